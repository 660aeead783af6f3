// SPDX-License-Identifier: Apache-2.0
//! Glance's schema and Scurry's own tables, behind the image crate's ports.
