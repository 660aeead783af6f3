// SPDX-License-Identifier: Apache-2.0
//! Durable jobs: rows, leases, heartbeats, resumption.
