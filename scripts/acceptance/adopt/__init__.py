# SPDX-License-Identifier: Apache-2.0
"""Adoption of a real Glance's database, and the way back."""
