// SPDX-License-Identifier: Apache-2.0
//! Prints the OpenAPI document: `cargo run -p scurry-image-http --example openapi > docs/openapi.json`.
#![allow(clippy::print_stdout, reason = "this is its purpose")]

fn main() {
    println!("{:#}", scurry_image_http::openapi());
}
