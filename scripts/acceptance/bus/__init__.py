# SPDX-License-Identifier: Apache-2.0
"""Notifications as those who listen to them see them."""
