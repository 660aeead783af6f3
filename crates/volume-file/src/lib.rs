// SPDX-License-Identifier: Apache-2.0
//! Volumes as sparse files: layers, copy-on-write overlays, reflinks, replicas.
