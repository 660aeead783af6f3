# SPDX-License-Identifier: Apache-2.0
"""The configurations: glance-api.conf of the service and tempest.conf that fits it."""

from __future__ import annotations

# `two-nodes` is `features` with a second image-api on the same database and staging directory.
CONFIGURATIONS = ("defaults", "features", "two-nodes")
# Tempest waits for the stores of an image in alphabetical order; the service lists them in the order given here.
WEIGHTS = {"cheap": 70, "fast": 60, "pure1": 50, "pure2": 40, "pure3": 30, "pure4": 20}
VOLUME_TYPES = {"pure1": "pure", "pure2": "pure2", "pure3": "pure3", "pure4": "replicated"}


def glance_conf(configuration, work):
    """Files and volumes and the http store; `features` adds cache and weights, and drops format check and hashing."""
    features = configuration != "defaults"
    weight = (lambda store: f"weight = {WEIGHTS[store]}\n") if features else (lambda store: "")
    text = f"""[DEFAULT]
enabled_backends = cheap:file,fast:file,pure1:cinder,pure2:cinder,pure3:cinder,pure4:cinder,web:http
enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]
use_keystone_limits = True
show_image_direct_url = True
show_multiple_locations = True
image_cache_dir = {work}/cache
do_secure_hash = {not features}
[image_format]
require_image_format_match = {not features}
[paste_deploy]
flavor = keystone{"+cachemanagement" if features else ""}
[import_filtering_opts]
allowed_schemes = [http,https]
allowed_ports = []
allowed_hosts = [127.0.0.1,localhost]
[glance_store]
default_backend = pure2
[web]
store_description = http, read only
"""
    for store in ("cheap", "fast"):
        text += f"[{store}]\nfilesystem_store_datadir = {work}/{store}\n{weight(store)}"
    for store, volume_type in VOLUME_TYPES.items():
        text += f"[{store}]\ncinder_volume_type = {volume_type}\n{weight(store)}"
    return text


def second_node_conf(work, port):
    """What a second image-api has for itself; everything else is as for the first."""
    return f"""[DEFAULT]
bind_host = 127.0.0.1
bind_port = {port}
worker_self_reference_url = http://127.0.0.1:{port}
image_cache_dir = {work}/cache-2
"""


def tempest_conf(configuration, work, auth, password, web, remote):
    """What Tempest is told of the cloud at `auth` and of the images served at `web`."""
    features = configuration != "defaults"
    return f"""[DEFAULT]
log_file = {work}/tempest.log
[oslo_concurrency]
lock_path = {work}/lock
[auth]
use_dynamic_credentials = True
admin_username = admin
admin_password = {password}
admin_project_name = admin
admin_domain_name = Default
create_isolated_networks = False
tempest_roles = member
[identity]
uri_v3 = {auth}
auth_version = v3
region = RegionOne
catalog_type = identity
v3_endpoint_type = public
[identity-feature-enabled]
api_v2 = False
api_v3 = True
[enforce_scope]
glance = True
[service_available]
glance = True
cinder = True
nova = False
neutron = False
swift = False
horizon = False
[image]
catalog_type = image
region = RegionOne
endpoint_type = public
http_image = {web}/small.img
http_qcow2_image = {web}/small.qcow2
build_timeout = 60
{f"alternate_image_endpoint = {remote}" if remote else ""}
image_caching_enabled = {features}
container_formats = bare,ami,ari,aki,ovf,ova,docker,compressed
disk_formats = ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop
hashing_algorithm = sha512
[image-feature-enabled]
api_v2 = True
import_image = True
os_glance_reserved = True
manage_locations = True
image_conversion = False
image_format_enforcement = {not features}
do_secure_hash = {not features}
http_store_enabled = True
store_weight_enabled = {features}
[volume-feature-enabled]
backup = False
[volume]
build_timeout = 60
catalog_type = block-storage
"""
