# SPDX-License-Identifier: Apache-2.0
"""The adoption beside a real Keystone and a real Cinder: images on volumes as well as in files."""
