// SPDX-License-Identifier: Apache-2.0
//! Token validation, request context, policy rules, unified limits.
