# SPDX-License-Identifier: Apache-2.0
"""What moving image bytes costs, against the tools of this machine and against Glance; scripts/bench calls it."""
