# SPDX-License-Identifier: Apache-2.0
"""Requests that were put to the real Glance, its answers kept as data, and Scurry compared with them."""
