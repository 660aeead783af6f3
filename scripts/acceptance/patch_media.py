# SPDX-License-Identifier: Apache-2.0
"""Teaches schemathesis to write the Image API's two patch media types: JSON under other names."""

import json

import schemathesis


@schemathesis.serializer("application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch")
def patch(_context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()
