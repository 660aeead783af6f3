# SPDX-License-Identifier: Apache-2.0
"""Volumes as sparse files on XFS: clones are reflinks, as instant as an array's.

A volume is handed out as a loop device of this machine (`local`), or by tgtd (`iscsi`).
"""

import fcntl
import os

from oslo_config import cfg
from oslo_concurrency import lockutils
from oslo_concurrency import processutils
from oslo_log import log as logging
from oslo_utils import importutils
from oslo_utils import units

from cinder import interface
from cinder.image import image_utils
from cinder.volume import configuration
from cinder.volume import driver
from cinder.volume import volume_utils

LOG = logging.getLogger(__name__)
FICLONE = 0x40049409
OPTIONS = [
    cfg.StrOpt("rig_pool", help="directory of the volumes"),
    cfg.StrOpt("rig_transport", default="local", choices=["local", "iscsi"]),
    cfg.IntOpt("rig_device_owner", default=0, help="user id that may open the loop devices, as udev's rules would have it"),
    cfg.BoolOpt("rig_replicated", default=False, help="report that volumes are replicated"),
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


def run(*words):
    return processutils.execute(*words)[0]


def reflink(source, target):
    with open(source, "rb") as old, open(target, "xb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


@interface.volumedriver
class ReflinkDriver(driver.CloneableImageVD, driver.BaseVD):
    VERSION = "1"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self.name = self.configuration.safe_get("volume_backend_name")
        self.local = self.configuration.rig_transport == "local"
        helper = self.target_mapping[self.configuration.safe_get("target_helper")]
        self.target_driver = importutils.import_object(helper, configuration=self.configuration, executor=self._execute)
        self.target_driver.db = self.db

    @staticmethod
    def get_driver_options():
        return OPTIONS

    def check_for_setup_error(self):
        os.makedirs(self.configuration.rig_pool, exist_ok=True)

    def _update_volume_stats(self):
        space = os.statvfs(self.configuration.rig_pool)
        replicated = self.configuration.rig_replicated
        pool = {"pool_name": self.name, "total_capacity_gb": space.f_blocks * space.f_frsize / units.Gi,
                "free_capacity_gb": space.f_bavail * space.f_frsize / units.Gi, "reserved_percentage": 0,
                "thin_provisioning_support": True, "max_over_subscription_ratio": "20.0", "provisioned_capacity_gb": 0,
                "multiattach": False, "replication_enabled": replicated,
                "replication_type": ["sync"] if replicated else []}
        self._stats = {"volume_backend_name": self.name, "vendor_name": "Scurry", "driver_version": self.VERSION,
                       "storage_protocol": "iSCSI", "pools": [pool]}

    def get_pool(self, volume):
        return self.name

    def _path(self, name):
        return os.path.join(self.configuration.rig_pool, name)

    def local_path(self, volume):
        return self._path(volume["name"])

    def create_volume(self, volume):
        with open(self.local_path(volume), "xb") as file:
            file.truncate(volume["size"] * units.Gi)

    def delete_volume(self, volume):
        self._unlink(volume["name"])

    def _unlink(self, name):
        try:
            os.unlink(self._path(name))
        except FileNotFoundError:
            LOG.warning("%s was gone already", name)

    def _clone(self, source, volume):
        LOG.info("reflink clone of %s to %s", source, volume["name"])
        reflink(self._path(source), self.local_path(volume))
        os.truncate(self.local_path(volume), volume["size"] * units.Gi)

    def create_cloned_volume(self, volume, src_vref):
        self._clone(src_vref["name"], volume)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._clone(snapshot["name"], volume)

    def create_snapshot(self, snapshot):
        reflink(self._path(snapshot["volume_name"]), self._path(snapshot["name"]))

    def delete_snapshot(self, snapshot):
        self._unlink(snapshot["name"])

    def extend_volume(self, volume, new_size):
        os.truncate(self.local_path(volume), new_size * units.Gi)

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        return None, False

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        image_utils.fetch_to_raw(context, image_service, image_id, self.local_path(volume),
                                 self.configuration.volume_dd_blocksize, size=volume["size"])
        os.truncate(self.local_path(volume), volume["size"] * units.Gi)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(context, image_service, image_meta, self.local_path(volume), volume)

    def validate_connector(self, connector):
        return True

    def ensure_export(self, context, volume):
        if volume["provider_location"]:
            self.target_driver.ensure_export(context, volume, self.local_path(volume))

    @lockutils.synchronized("scurry-rig-export", external=True)
    def create_export(self, context, volume, connector):
        if self.local:
            return None
        made = self.target_driver.create_export(context, volume, self.local_path(volume))
        return {"provider_location": made["location"], "provider_auth": made["auth"]}

    @lockutils.synchronized("scurry-rig-export", external=True)
    def remove_export(self, context, volume):
        if volume["provider_location"]:
            self.target_driver.remove_export(context, volume)
            volume.provider_location = volume.provider_auth = None
            volume.save()

    def initialize_connection(self, volume, connector, **kwargs):
        if not self.local:
            return self.target_driver.initialize_connection(volume, connector)
        return {"driver_volume_type": "local", "data": {"device_path": self._attach_loop(self.local_path(volume))}}

    @lockutils.synchronized("scurry-rig-loop", external=True)
    def _attach_loop(self, path):
        device = run("losetup", "--find", "--show", path).strip()
        os.chown(device, self.configuration.rig_device_owner, -1)
        return device

    def terminate_connection(self, volume, connector, **kwargs):
        if self.local:
            for device in run("losetup", "-n", "-O", "NAME", "-j", self.local_path(volume)).split():
                run("losetup", "-d", device)
