// SPDX-License-Identifier: Apache-2.0
//! The embedded Block Storage v3 service.
