// SPDX-License-Identifier: Apache-2.0
//! Thin typed client of the Identity and Block Storage APIs.
