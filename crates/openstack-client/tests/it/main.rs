// SPDX-License-Identifier: Apache-2.0
//! The client against small services made for the tests.

mod block;
mod cloud;
mod image;
mod session;
