# SPDX-License-Identifier: Apache-2.0
"""The real Keystone and Cinder from PyPI on loopback, with Scurry in Glance's place."""
