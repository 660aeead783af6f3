// SPDX-License-Identifier: Apache-2.0
//! The steps of the walkthrough, done by the clients of this binary and checked as they go.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scurry_openstack_client::ErrorKind;
use scurry_openstack_client::image::Image;
use scurry_types::size::MIB;

use super::cloud::{Cloud, FileDigests, file_digests, text};
use super::disk;
use super::progress::{Stage, Step};
use super::table::Table;
use crate::cli::DemoOptions;
use crate::failure::Failure;
use crate::up::Running;

/// Stores of the embedded default, and the volume type behind each.
const STORES: [(&str, &str); 4] =
    [("pure1", "pure"), ("pure2", "pure2"), ("pure3", "pure3"), ("pure4", "replicated")];

/// What the steps hand on to each other.
struct Tour<'a> {
    admin: Cloud,
    user: Cloud,
    work: &'a Path,
    table: Table,
    boots: Vec<String>,
    len: u64,
    digests: FileDigests,
}

pub(crate) async fn run(
    stage: &mut Stage,
    running: &Running,
    options: &DemoOptions,
    work: &Path,
) -> Result<(), Failure> {
    let mut tour = Tour {
        admin: Cloud::login(&running.auth_url, "admin", &running.passwords.admin)?,
        user: Cloud::login(&running.auth_url, "demo", &running.passwords.demo)?,
        work,
        table: Table::new(&STORES.map(|(store, _)| store)),
        boots: Vec::new(),
        len: 0,
        digests: FileDigests::default(),
    };
    tour.show_block_storage(stage).await?;
    tour.make_image(stage, options).await?;
    let image = tour.upload(stage).await?;
    tour.boot_here_and_elsewhere(stage, &image).await?;
    tour.copy_everywhere(stage, &image).await?;
    tour.boot_everywhere(stage, &image).await?;
    tour.quota(stage, running).await?;
    tour.delete(stage, &image).await?;
    tour.replica(stage).await?;
    stage.say(&format!("\n{}", tour.table.render()));
    Ok(())
}

impl Tour<'_> {
    async fn show_block_storage(&mut self, stage: &mut Stage) -> Result<(), Failure> {
        let mut step = stage.step("block storage: backends and volume types");
        let pools =
            self.admin.volumes.pools().await.map_err(|error| Failure::new("cannot list pools", error))?;
        step.see(pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>().join(", "));
        for kind in self
            .admin
            .volumes
            .volume_types()
            .await
            .map_err(|error| Failure::new("cannot list types", error))?
        {
            let specs: Vec<_> =
                kind.extra_specs.iter().map(|(key, value)| format!("{key}='{value}'")).collect();
            step.see(format!("{:<12} {}", kind.name, specs.join(", ")));
        }
        step.done();
        Ok(())
    }

    async fn make_image(&mut self, stage: &mut Stage, options: &DemoOptions) -> Result<(), Failure> {
        let step = Arc::new(stage.step("a disk image is made RAW"));
        let (given, work, raw, shown) =
            (options.image.clone(), self.work.to_owned(), self.raw(), Arc::clone(&step));
        let (what, digests, len) = tokio::task::spawn_blocking(move || {
            let what = disk::prepare(given.as_deref(), &work, &raw, &shown)?;
            let cannot = |error| Failure::new("cannot read the raw image", error);
            let len = std::fs::metadata(&raw).map_err(cannot)?.len();
            Ok::<_, Failure>((what, file_digests(&raw).map_err(cannot)?, len))
        })
        .await
        .map_err(|error| Failure::new("making the image ended early", error))??;
        (self.digests, self.len) = (digests, len);
        finish(step, |step| step.see(what));
        Ok(())
    }

    async fn upload(&mut self, stage: &mut Stage) -> Result<Image, Failure> {
        let step =
            Arc::new(stage.step("upload it: hashed and written in one pass, to the default store pure2"));
        let image = self.admin.upload("demo image", &self.raw(), None, &step).await?;
        self.expect(&image, "pure2")?;
        let url = image.locations.first().map_or(String::new(), |location| location.url.clone());
        let took = finish(step, |step| {
            step.see(format!("{}: {} bytes, {} in {url}", image.id, self.len, image.status));
            step.see(format!("sha512 {}… is the file's", &self.digests.sha512[..32]));
        });
        self.table.set("demo image", "pure2", format!("uploaded {}", seconds(took)));
        Ok(image)
    }

    /// The image is active, holds the bytes that were sent, and lives in exactly these stores.
    fn expect(&self, image: &Image, stores: &str) -> Result<(), Failure> {
        let mut found: Vec<_> = text(image, "stores").split(',').map(str::to_owned).collect();
        found.sort();
        let wrong =
            |what: &str, found: &str| Failure::plain(format!("image {}: {what} is {found:?}", image.id));
        if image.status != "active" {
            return Err(wrong("status", &image.status));
        }
        if found.join(",") != stores {
            return Err(wrong("stores", &found.join(",")));
        }
        match image.os_hash_value.as_deref() {
            Some(hash) if hash == self.digests.sha512 => Ok(()),
            other => Err(wrong("os_hash_value", other.unwrap_or("missing"))),
        }
    }

    async fn boot_here_and_elsewhere(&mut self, stage: &mut Stage, image: &Image) -> Result<(), Failure> {
        let mut step = stage.step("boot volumes: a clone where the image lives, a copy elsewhere");
        self.boot(image, "pure2", "pure2", "cloned", &mut step).await?;
        self.boot(image, "pure", "pure1", "copied", &mut step).await?;
        step.done();
        Ok(())
    }

    async fn copy_everywhere(&mut self, stage: &mut Stage, image: &Image) -> Result<(), Failure> {
        let mut step =
            stage.step("copy-image to all other stores: read once, written to all at the same time");
        let begun = Instant::now();
        let copied = self.admin.copy(&image.id, &[], &step).await?;
        self.expect(&copied, "pure1,pure2,pure3,pure4")?;
        let took = begun.elapsed();
        for location in &copied.locations {
            let store = location.metadata.get("store").and_then(|store| store.as_str()).unwrap_or_default();
            let volume = location.url.rsplit('/').next().unwrap_or_default();
            step.note(&format!("reading the copy in {store} back"));
            self.same_content(&self.admin, volume, store).await?;
            if store != "pure2" {
                self.table.set("demo image", store, format!("copied, all in {}", seconds(took)));
            }
        }
        step.see(format!("three copies in {}; each read back and compared", seconds(took)));
        step.done();
        Ok(())
    }

    async fn boot_everywhere(&mut self, stage: &mut Stage, image: &Image) -> Result<(), Failure> {
        let mut step = stage.step("boot volumes on every backend: all of them clones");
        for (store, kind) in STORES {
            self.boot(image, kind, store, "cloned", &mut step).await?;
        }
        step.done();
        Ok(())
    }

    /// Makes a boot volume and reads it back.
    async fn boot(
        &mut self,
        image: &Image,
        kind: &str,
        store: &str,
        how: &str,
        step: &mut Step,
    ) -> Result<(), Failure> {
        step.note(&format!("volume of type {kind}"));
        let (written, begun) = (written_bytes(), Instant::now());
        let volume = self.user.boot_volume(&format!("boot-{kind}"), image, kind).await?;
        let (took, written) = (begun.elapsed(), written_bytes().saturating_sub(written));
        let cloned = written < 16 * MIB;
        if cloned != (how == "cloned") {
            return Err(Failure::plain(format!(
                "the boot volume of type {kind} should be {how}, yet {written} bytes were written"
            )));
        }
        self.same_content(&self.user, &volume.id, kind).await?;
        step.see(format!(
            "{kind:<12} {how} in {}, {} KiB written, {} GiB, content the same",
            seconds(took),
            written >> 10,
            volume.size
        ));
        let row = if how == "cloned" { "boot volume" } else { "boot volume, image not there" };
        self.table.set(row, store, format!("{how} {}", seconds(took)));
        self.boots.push(volume.id);
        Ok(())
    }

    async fn same_content(&self, cloud: &Cloud, volume: &str, what: &str) -> Result<(), Failure> {
        let found = cloud.volume_hash(volume, self.len).await?;
        if found == self.digests.blake3 {
            Ok(())
        } else {
            Err(Failure::plain(format!("{what}: volume {volume} does not hold the image's bytes")))
        }
    }

    async fn quota(&mut self, stage: &mut Stage, running: &Running) -> Result<(), Failure> {
        let mut step = stage.step("quota: unified limits of the identity service");
        let before = running.set_registered_limit("image_size_total", 1).await?;
        let refused = self.small_upload_refused(&step).await;
        running.set_registered_limit("image_size_total", before).await?;
        step.see(refused?);
        step.done();
        Ok(())
    }

    /// Uploads a little until the new limit is known (limits are remembered for a moment); gives the refusal.
    async fn small_upload_refused(&self, step: &Step) -> Result<String, Failure> {
        let path = self.work.join("small.raw");
        std::fs::write(&path, [7; 4096]).map_err(|error| Failure::new("cannot write a small file", error))?;
        step.note("waiting for the limit to be known");
        for _ in 0..60 {
            let silent = Arc::new(Step::unseen());
            match self.admin.upload("over the limit", &path, None, &silent).await {
                Ok(image) => self
                    .admin
                    .images
                    .delete(&image.id)
                    .await
                    .map_err(|error| Failure::new("cannot delete", error))?,
                Err(failure) => {
                    let said = failure.to_string();
                    return match said.find("Project ") {
                        Some(at) if said.contains("is over a limit for [Resource image_size_total") => {
                            // Glance's texts carry their line breaks as HTML, in JSON too.
                            Ok(format!("413 {}", said[at..].split('<').next().unwrap_or_default()))
                        }
                        _ => Err(failure),
                    };
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Failure::plain("an upload over the limit was not refused"))
    }

    async fn delete(&mut self, stage: &mut Stage, image: &Image) -> Result<(), Failure> {
        let mut step = stage.step("delete the image: its volumes go, the boot volumes live on");
        self.admin
            .images
            .delete(&image.id)
            .await
            .map_err(|error| Failure::new("cannot delete the image", error))?;
        for location in &self.admin_locations(image).await? {
            let volume = location.rsplit('/').next().unwrap_or_default();
            match self.admin.volumes.volume(volume).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                _ => return Err(Failure::plain(format!("volume {volume} is still there"))),
            }
        }
        for volume in &self.boots {
            self.same_content(&self.user, volume, "boot volume").await?;
        }
        step.see(format!("{} boot volumes read back: unharmed", self.boots.len()));
        step.done();
        Ok(())
    }

    /// Urls the image had when it was last seen with all its copies.
    async fn admin_locations(&self, image: &Image) -> Result<Vec<String>, Failure> {
        let named = format!("image-{}", image.id);
        let volumes = self
            .admin
            .volumes
            .volumes_by_name(&named)
            .await
            .map_err(|error| Failure::new("cannot list volumes", error))?;
        Ok(volumes.into_iter().map(|volume| volume.id).collect())
    }

    async fn replica(&mut self, stage: &mut Stage) -> Result<(), Failure> {
        let step =
            Arc::new(stage.step("an image in pure4 alone: its replica serves clones on the second backend"));
        let begun = Instant::now();
        let image = self.admin.upload("replicated image", &self.raw(), Some("pure4"), &step).await?;
        self.expect(&image, "pure4")?;
        self.table.set("replicated image", "pure4", format!("uploaded {}", seconds(begun.elapsed())));
        let Some(mut step) = Arc::into_inner(step) else { return Ok(()) };
        self.boot(&image, "pure3", "pure3", "cloned", &mut step).await?;
        self.boot(&image, "pure2", "pure2", "cloned", &mut step).await?;
        step.done();
        Ok(())
    }

    fn raw(&self) -> std::path::PathBuf {
        self.work.join("demo.raw")
    }
}

/// Ends a step that was shared with a stream which is gone by now.
fn finish(step: Arc<Step>, facts: impl FnOnce(&mut Step)) -> Duration {
    match Arc::into_inner(step) {
        Some(mut step) => {
            facts(&mut step);
            step.done()
        }
        None => Duration::ZERO,
    }
}

fn seconds(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

/// Bytes this process has handed to write calls so far; 0 where the system does not count.
fn written_bytes() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = counters.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
