// SPDX-License-Identifier: Apache-2.0
//! Crash points and recovery.
