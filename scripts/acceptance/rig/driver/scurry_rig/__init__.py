# SPDX-License-Identifier: Apache-2.0
"""A Cinder volume driver on a file system with reflinks."""
