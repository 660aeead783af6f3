// SPDX-License-Identifier: Apache-2.0
//! Images as files in a directory.
