// SPDX-License-Identifier: Apache-2.0
//! Images as volumes of the block-storage service.
