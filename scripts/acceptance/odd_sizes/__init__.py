# SPDX-License-Identifier: Apache-2.0
"""Odd sizes, odd sources and full stores, through the whole service; scripts/odd-sizes calls it."""
