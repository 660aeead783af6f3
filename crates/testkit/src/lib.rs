// SPDX-License-Identifier: Apache-2.0
//! What tests start and break.
