// SPDX-License-Identifier: Apache-2.0
//! oslo.config's dialect: parsing, typed options, reports that name file and line.
