// SPDX-License-Identifier: Apache-2.0
//! Tests of the rules language and of the shipped rules.
