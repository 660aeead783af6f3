# SPDX-License-Identifier: Apache-2.0
"""Every image command the real clients have, run in their own interpreter."""
