# SPDX-License-Identifier: Apache-2.0
"""Two image services on one database, killed in turns while they work."""
