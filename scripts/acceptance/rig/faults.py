# SPDX-License-Identifier: Apache-2.0
"""Faults on the rig: each ends with nothing lost, nothing left over, and a message that names the cause."""

from __future__ import annotations

import time

from ..session import check, equal, until
from .ground import MIB, Ground, Proxy, Upload, download, plain
from .services import Rig

# How long Cinder's API stays away.
AWAY = 30


class Faults(Ground):
    def run(self):
        self.step("Cinder away for 30 s in the middle of an upload: active", lambda: self.cinder_away(False))
        self.step("the same, length unknown: active", lambda: self.cinder_away(True))
        self.step("Cinder away, a new upload: 503 that says so", self.cinder_away_at_start)
        self.step("Cinder away for 30 s in the middle of a copy: in both stores", self.cinder_away_in_copy)
        self.step("a volume in error: 503 that names it, the other copy is served, delete works", self.volume_in_error)
        self.step("a volume stuck in attaching: 503 that names it, 409 for the delete until it is reset", self.volume_attaching)
        self.step("all tokens revoked in the middle of an upload: active", self.tokens_revoked)
        self.step("Keystone away: known tokens work, new ones get 503 with Retry-After", self.keystone_away)
        self.step("kill -9 between attachment and its completion, for reading: taken back at the start", self.killed_attaching)
        self.step("kill -9 between attachment and its completion, for writing: nothing left", self.killed_writing)
        for chunked in (False, True):
            length = "unknown" if chunked else "known"
            self.step(f"kill -9 in an upload of {length} length: queued, nothing left, second upload right",
                      lambda chunked=chunked: self.killed_in_upload(chunked))
        self.step("kill -9 in a copy to two stores: both are right in the end", self.killed_in_copy)
        self.step("copy from pure to replicated on one backend: a clone", self.clone_on_one_backend)

    def without_cinder(self, work):
        """Runs `work` while nobody answers for Cinder."""
        self.rig.processes.stop("cinder-api")
        try:
            return work()
        finally:
            self.rig.start_cinder_api()

    def cinder_away(self, chunked):
        image_id = self.new_image("Cinder away")
        upload = Upload(self, image_id, 60 * MIB, chunked).held()

        def end():
            upload.body.go.set()
            time.sleep(AWAY)
            check(upload.answer is None, f"the upload ended without Cinder: {upload.answer}")
        self.without_cinder(end)
        equal(upload.end(), (204, ""), "answer to the upload")
        self.active(image_id)
        self.same_content(self.volume_of(image_id), "the volume")
        self.delete(image_id)
        return self.said("waits for the block-storage service")[-1][-160:]

    def cinder_away_at_start(self):
        image_id = self.new_image("Cinder away at the start")

        def attempt():
            upload = Upload(self, image_id, self.length)
            status, text = upload.end(60)
            equal(status, 503, f"status of an upload without Cinder ({text})")
            check("volume" in text, f"the answer does not name what is away: {text}")
            equal(self.admin.image(image_id)["status"], "queued", "status after the refusal")
            return plain(text)
        said = self.without_cinder(attempt)
        equal(Upload(self, image_id, self.length).end(), (204, ""), "the upload afterwards")
        self.active(image_id)
        self.delete(image_id)
        return said

    def cinder_away_in_copy(self):
        image_id, _ = self.upload("Cinder away in a copy", "pure2")
        proxy = Proxy(self.rig.places.ports["cinder"])
        self.rig.restart_image(proxy.template())
        try:
            # Held where the new volume is attached: it is there, and nothing is written yet.
            proxy.hold(r"POST /v3/\w+/attachments$")
            self.copy(image_id, "pure3")
            until(proxy.reached.is_set, "the copy to be at work", 60, 0.02)

            def away():
                proxy.let_go()
                time.sleep(AWAY)
            self.without_cinder(away)
            self.copied(image_id, "pure2", "pure3")
        finally:
            proxy.close()
            self.rig.restart_image()
        self.active(image_id)
        self.same_content(self.volume_of(image_id, "pure3"), "the copy")
        self.delete(image_id)

    def volume_in_error(self):
        image_id, volume_id = self.upload("volume in error", "pure2")
        self.reset(volume_id, "error")
        status, headers, text = self.status("GET", f"/v2/images/{image_id}/file")
        check(status == 503 and volume_id in text and "error" in text, f"download of a volume in error: {status} {text}")
        self.reset(volume_id, "available")
        self.copy(image_id, "pure3")
        self.copied(image_id, "pure2", "pure3")
        self.reset(volume_id, "error")
        self.downloaded(image_id)
        self.delete(image_id)
        return plain(text)

    def volume_attaching(self):
        image_id, volume_id = self.upload("volume attaching", "pure2")
        self.reset(volume_id, "attaching")
        status, headers, text = self.status("GET", f"/v2/images/{image_id}/file")
        check(status == 503 and volume_id in text, f"download of a volume in attaching: {status} {text}")
        refused, _, why = self.status("DELETE", f"/v2/images/{image_id}")
        check(refused == 409 and volume_id in why and "attaching" in why, f"delete of a volume in attaching: {refused} {why}")
        equal(self.admin.image(image_id)["status"], "active", "status after the refused delete")
        self.reset(volume_id, "available")
        self.downloaded(image_id)
        self.delete(image_id)
        return plain(text + why)

    def tokens_revoked(self):
        image_id, token = self.new_image("tokens revoked"), self.admin.token()
        upload = Upload(self, image_id, 60 * MIB, token=token).held()
        keystone = self.as_operator()
        keystone.headers["X-Subject-Token"] = token
        keystone.call("DELETE", "/auth/tokens")
        del keystone.headers["X-Subject-Token"]
        self.revoke_all("glance")
        # Cinder's middleware remembers tokens it has seen; after a start it knows none.
        self.without_cinder(lambda: None)
        equal(upload.end(), (204, ""), "answer to the upload")
        self.active(image_id)
        self.delete(image_id)

    def keystone_away(self):
        image_id, _ = self.upload("Keystone away")
        fresh = self.admin.token()
        self.rig.processes.stop("keystone")
        try:
            self.downloaded(image_id)
            status, headers, text = self.status("GET", "/v2/images", token=fresh)
            equal(status, 503, f"status with an unknown token ({text})")
            check(headers["Retry-After"] and int(headers["Retry-After"]) > 0, f"headers of the refusal: {headers.items()}")
            said = f"Retry-After {headers['Retry-After']}: {plain(text)}"
        finally:
            self.rig.start_keystone()
        equal(self.status("GET", "/v2/images", token=fresh)[0], 200, "status afterwards")
        self.delete(image_id)
        return said

    def killed_attaching(self):
        """Scurry dies when Cinder has made an attachment and waits to hear that the host has connected."""
        image_id, volume_id = self.upload("killed while attaching", "pure2")
        self.killed_at(r"POST /v3/\w+/attachments/[^/]+/action", lambda: download(self, image_id))
        equal(self.volume(volume_id)["status"], "attaching", "status of the volume after the kill")
        self.rig.start_image()
        until(lambda: not self.attachments(), "the attachment to be taken back", 60, 1)
        equal(self.volume(volume_id)["status"], "available", "status of the volume after the start")
        self.downloaded(image_id)
        self.delete(image_id)

    def killed_writing(self):
        image_id = self.new_image("killed while attaching for writing")
        self.killed_at(r"POST /v3/\w+/attachments/[^/]+/action", lambda: Upload(self, image_id, self.length))
        check(self.volumes(), "no volume after the kill")
        self.rig.start_image()
        self.consistent()
        equal(self.admin.image(image_id)["status"], "queued", "status after the kill")
        equal(Upload(self, image_id, self.length).end(), (204, ""), "the upload afterwards")
        self.active(image_id)
        self.delete(image_id)

    def killed_at(self, pattern, begin):
        """Kills Scurry while it waits for Cinder's answer to a request."""
        proxy = Proxy(self.rig.places.ports["cinder"])
        self.rig.restart_image(proxy.template())
        try:
            proxy.hold(pattern)
            begin()
            until(proxy.reached.is_set, "the request to be held", 60, 0.02)
            self.rig.kill_image()
            # What is held never reaches Cinder.
            proxy.target = 9
        finally:
            proxy.close()

    def killed_in_upload(self, chunked):
        image_id = self.new_image("killed upload")
        Upload(self, image_id, 100 * MIB, chunked).held()
        equal(self.admin.image(image_id)["status"], "saving", "status in the middle")
        check(self.volumes(), "no volume in the middle of the upload")
        self.rig.kill_image()
        self.rig.start_image()
        self.consistent()
        image = self.admin.image(image_id)
        equal((image["status"], image["checksum"], image.get("locations")), ("queued", None, []), "image after the kill")
        equal(Upload(self, image_id, self.length, chunked).end(), (204, ""), "the second upload")
        self.active(image_id)
        self.delete(image_id)

    def killed_in_copy(self):
        image_id, _ = self.upload("killed copy", "pure2")
        seen = []
        for delay in (0.1, 0.5, 1.0):
            self.copy(image_id, "pure1", "pure3")
            time.sleep(delay)
            before = self.admin.image(image_id)
            self.rig.kill_image()
            self.rig.start_image()
            self.copied(image_id, "pure1", "pure2", "pure3")
            for store in ("pure1", "pure3"):
                self.same_content(self.volume_of(image_id, store), f"the copy in {store}")
                self.admin.request("DELETE", f"/v2/stores/{store}/{image_id}")
            self.consistent()
            seen.append(before.get("os_glance_importing_to_stores") or "none")
        self.delete(image_id)
        return "to do at the kills: " + ", ".join(seen)

    def clone_on_one_backend(self):
        image_id, source = self.upload("one backend", "pure1")
        self.copy(image_id, "pure4")
        self.copied(image_id, "pure1", "pure4")
        copy = self.volume(self.volume_of(image_id, "pure4"))
        equal((copy["source_volid"], copy["volume_type"]), (source, "replicated"), "source and type of the copy")
        equal(self.rig.how(copy["id"]), "cloned", "how Cinder made the copy")
        self.same_content(copy["id"], "the copy")
        self.delete(image_id)
        return f"volume {copy['id']} has source_volid {source}"


def run(binary, clients, work, transport):
    rig = Rig(binary, work / "rig", transport)
    try:
        rig.start()
        Faults(rig, clients, work).run()
        rig.stop_image()
    finally:
        rig.clear()
