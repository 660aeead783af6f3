// SPDX-License-Identifier: Apache-2.0
//! Opens a volume in user space from its connection_info.
