// SPDX-License-Identifier: Apache-2.0
//! The seam to the disk format inspectors.

/// What the inspectors made of the bytes.
#[derive(Debug)]
pub struct Inspection(());
