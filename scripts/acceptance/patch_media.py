# SPDX-License-Identifier: Apache-2.0
"""Teaches schemathesis to write the media types of the Image API it does not know: JSON under other names, and parts of an upload."""

import json

import schemathesis


@schemathesis.serializer("application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch")
def patch(_context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("application/partial-upload", "application/vnd.scurry.extents")
def part(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
