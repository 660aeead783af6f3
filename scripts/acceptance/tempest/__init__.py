# SPDX-License-Identifier: Apache-2.0
"""Tempest's image tests against Scurry, and what real Glance makes of the same tests."""
