// SPDX-License-Identifier: Apache-2.0
//! The embedded Identity v3 service.
