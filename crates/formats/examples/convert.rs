// SPDX-License-Identifier: Apache-2.0
//! Converts an image to a raw file, as an import does, and says how much of it was data.
//!
//! `cargo run --release -p scurry-formats --example convert IMAGE FORMAT OUT`

#![allow(clippy::print_stderr, reason = "a program")]

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use scurry_formats::{Conversion, OutputFormat, Piece, open_for_conversion};
use scurry_types::is_zero;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [image, format, out] = words.as_slice() else { return Err("usage: convert IMAGE FORMAT OUT".into()) };
    let began = Instant::now();
    let conversion =
        Conversion::new(open_for_conversion(Path::new(image), format.parse()?)?, OutputFormat::Raw)?;
    let file = File::create(out)?;
    file.set_len(conversion.len())?;
    let (mut at, mut data) = (0, 0);
    for piece in conversion {
        match piece? {
            Piece::Zeroes(len) => at += len,
            Piece::Data(bytes) => {
                for block in bytes.chunks(4096).filter(|block| !is_zero(block)) {
                    data += block.len();
                }
                file.write_all_at(&bytes, at)?;
                at += bytes.len() as u64;
            }
        }
    }
    eprintln!("{at} bytes, {data} of them data, {:.2?}", began.elapsed());
    Ok(())
}
