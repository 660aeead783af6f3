# SPDX-License-Identifier: Apache-2.0
"""Acceptance sessions: Scurry as its users meet it, through the real clients."""
