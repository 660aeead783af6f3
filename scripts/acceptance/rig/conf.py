# SPDX-License-Identifier: Apache-2.0
"""The configuration files of Keystone, Cinder and Scurry, as an operator writes them."""

from __future__ import annotations

import shutil

from .places import BACKENDS, GID, PASSWORD, REGION, TYPES, UID, Places

# Store, volume type, description: quotes and all.
STORES = {"pure1": ("pure", '"Pure Array 1"'), "pure2": ("pure2", '"Pure Array 2"'), "pure3": ("pure3", '"Pure Array 3"'),
          "pure4": ("replicated", '"Pure Replicated"')}


# The backend that keeps volumes of images it had to fetch.
CACHING = "puredriver-3"


def keystone(places: Places):
    keys = places.dir("keystone")
    (places.dir("etc") / "keystone.conf").write_text(f"""\
[DEFAULT]
log_file = {places.dir("log")}/keystone.log
[database]
connection = {places.database("keystone")}
[token]
expiration = 43200
[fernet_tokens]
key_repository = {keys}/fernet
[credential]
key_repository = {keys}/credential
[oslo_messaging_notifications]
driver = noop
""")


def account(places, user):
    return f"""\
auth_url = {places.url("keystone")}
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = {user}
password = {PASSWORD}
"""


def cinder(places: Places, internal):
    """Cinder's; `internal` are project and user of its own volumes, such as its cache of images."""
    project, user = internal
    etc, data = places.dir("etc"), places.dir("cinder")
    environment = places.programs / "cinder/etc/cinder"
    (etc / "rootwrap.conf").write_text(f"""\
[DEFAULT]
filters_path = {environment}/rootwrap.d
exec_dirs = {etc}/bin,{places.programs}/cinder/bin,/usr/sbin,/sbin,/usr/bin,/bin
use_syslog = False
""")
    backends = "".join(f"""\
[{name}]
volume_driver = scurry_rig.reflink.ReflinkDriver
volume_backend_name = {name}
image_upload_use_cinder_backend = True
rig_pool = {places.pool(name)}
rig_transport = {places.transport}
rig_device_owner = {UID}
rig_replicated = {name == "puredriver-1"}
image_volume_cache_enabled = {name == CACHING}
""" for name in BACKENDS)
    (etc / "cinder.conf").write_text(f"""\
[DEFAULT]
debug = True
host = rig
transport_url = rabbit://guest:guest@127.0.0.1:{places.ports["rabbit"]}/
auth_strategy = keystone
api_paste_config = {environment}/api-paste.ini
resource_query_filters_file = {environment}/resource_filters.json
rootwrap_config = {etc}/rootwrap.conf
state_path = {data}
my_ip = 127.0.0.1
glance_api_servers = {places.url("image")}
allowed_direct_url_schemes = cinder
enabled_backends = {",".join(BACKENDS)}
default_volume_type = pure
cinder_internal_tenant_project_id = {project}
cinder_internal_tenant_user_id = {user}
quota_volumes = -1
quota_gigabytes = -1
backend_stats_polling_interval = 10
[database]
connection = {places.database("cinder")}
[keystone_authtoken]
www_authenticate_uri = {places.url("keystone")}
service_token_roles = service
service_token_roles_required = True
{account(places, "cinder")}
[glance]
{account(places, "cinder")}
[service_user]
send_service_user_token = True
{account(places, "cinder")}
[oslo_concurrency]
lock_path = {data}/locks
[oslo_messaging_notifications]
driver = noop
[backend_defaults]
volumes_dir = {places.dir("cinder/volumes")}
target_helper = tgtadm
target_ip_address = 127.0.0.1
target_secondary_ip_addresses = 127.0.0.2
target_port = {places.ports["iscsi"]}
target_prefix = iqn.2010-10.org.openstack:
{backends}""")


def image(places: Places, endpoint, block=None):
    """Scurry's: what stands in a Glance's file, with an SQLite database; `block` is where Cinder is, past the catalogue."""
    data = places.dir("image")
    path = places.dir("etc") / "glance-api.conf"
    path.write_text(image_service(places, endpoint, data, "image", f"sqlite:///{data}/glance.db", "/etc/glance/rootwrap.conf", block))
    shutil.chown(data, UID, GID)
    return path


def glance(places: Places, endpoint, place):
    """The real Glance's, by the same text."""
    etc, data = places.dir("etc/glance"), places.dir("glance")
    installed = places.programs / "glance/etc"
    rootwrap = etc / "rootwrap.conf"
    rootwrap.write_text(f"""\
[DEFAULT]
filters_path = {installed}/glance/rootwrap.d,{installed}/os-brick/rootwrap.d
exec_dirs = {places.dir("etc/bin")},{places.programs}/glance/bin,/usr/sbin,/sbin,/usr/bin,/bin
use_syslog = False
""")
    path = etc / "glance-api.conf"
    own = f"""\
[DEFAULT]
log_file = {data}/glance-api.log
[paste_deploy]
config_file = {installed}/glance/glance-api-paste.ini
"""
    path.write_text(own + image_service(places, endpoint, data, place, places.database("glance"), rootwrap))
    (etc / "policy.yaml").write_text("{}\n")
    for part in ("fast", "cheap", "staging", "tasks_work_dir", "locks"):
        places.dir(f"glance/{part}")
    return path


def image_service(places: Places, endpoint, data, place, database, rootwrap, block=None):
    """A glance-api.conf."""
    stores = "".join(f"""\
[{store}]
store_description = {description}
cinder_store_auth_address = {places.url("keystone")}
cinder_store_user_name = glance
cinder_store_password = {PASSWORD}
cinder_store_project_name = service
cinder_os_region_name = {REGION}
cinder_catalog_info = block-storage:cinder:publicURL
cinder_volume_type = {volume_type}
rootwrap_config = {rootwrap}
{f"cinder_endpoint_template = {block}" if block else ""}
""" for store, (volume_type, description) in STORES.items())
    enabled = [f"{store}:cinder" for store in STORES]
    if places.web:
        # Tempest waits for the stores of an image in alphabetical order; the services list them in this one.
        enabled = ["cheap:file", "fast:file", *enabled, "web:http"]
        stores += f"""\
[cheap]
filesystem_store_datadir = {data}/cheap
[fast]
filesystem_store_datadir = {data}/fast
[web]
store_description = http, read only
[import_filtering_opts]
allowed_schemes = [http,https]
allowed_ports = []
allowed_hosts = [127.0.0.1,localhost]
"""
    return f"""\
[DEFAULT]
bind_host = 127.0.0.1
bind_port = {places.ports[place]}
workers = 2
transport_url = rabbit://guest:guest@127.0.0.1:{places.ports["rabbit"]}/
public_endpoint = {places.url(place)}
worker_self_reference_url = {places.url(place)}
enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]
show_multiple_locations = True
show_image_direct_url = False
use_keystone_limits = True
enabled_backends = {", ".join(enabled)}
[database]
connection = {database}
[keystone_authtoken]
www_authenticate_uri = {places.url("keystone")}
region_name = {REGION}
interface = public
service_token_roles = service
service_token_roles_required = True
{account(places, "glance")}
[paste_deploy]
flavor = keystone
[oslo_limit]
auth_url = {places.url("keystone")}
auth_type = password
user_domain_name = Default
username = glance
password = {PASSWORD}
system_scope = all
endpoint_id = {endpoint}
[oslo_concurrency]
lock_path = {data}/locks
[glance_store]
filesystem_store_datadir = {data}/images/
stores = file,cinder
default_store = cinder
default_backend = {places.default}
[os_glance_tasks_store]
filesystem_store_datadir = {data}/tasks_work_dir
[os_glance_staging_store]
filesystem_store_datadir = {data}/staging
{stores}"""


assert {volume_type for volume_type, _ in STORES.values()} == set(TYPES)
