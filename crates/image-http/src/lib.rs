// SPDX-License-Identifier: Apache-2.0
//! The Image API v2 over HTTP.
