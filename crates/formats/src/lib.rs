// SPDX-License-Identifier: Apache-2.0
//! Bounded inspectors of disk image formats and readers for conversion.
