// SPDX-License-Identifier: Apache-2.0
//! The engine that moves image bytes: digests, fan-out, extents, verification.
