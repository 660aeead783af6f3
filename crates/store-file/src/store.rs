// SPDX-License-Identifier: Apache-2.0
//! The store itself.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use async_trait::async_trait;
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Offer, Operation, Store, StoreError, StoreErrorKind, StoreFacts,
    StoreReader, StoreWriter, Strategy, WriteSpec,
};
use scurry_types::ImageId;
use serde_json::{Map, Value, json};

use crate::directory::{self, Directories};
use crate::error::{Deed, blocking};
use crate::name::Name;
use crate::reader::{FileReader, open_regular};
use crate::reflink;
use crate::writer::FileWriter;
use crate::{FileStoreConfig, FileStoreError};

/// Bytes one read or write moves best: enough to hide the cost of a system call and of a thread hop.
const PREFERRED_IO: usize = 1 << 20;

/// Images as files.
#[derive(Debug, Clone)]
pub struct FileStore {
    facts: StoreFacts,
    directories: Arc<Directories>,
    file_perm: Option<u32>,
    thin_provisioning: bool,
}

impl FileStore {
    /// Makes missing data directories, checks that all can be written to and whether files can share blocks
    /// there. Blocks; meant for the start of the process.
    pub fn open(config: FileStoreConfig) -> Result<Self, FileStoreError> {
        let directories = Directories::open(&config)?;
        let FileStoreConfig { id, description, weight, file_perm, thin_provisioning, .. } = config;
        let mut paths: Vec<Value> = config.datadirs.iter().map(|dir| json!(dir.path)).collect();
        let data_dir = if paths.len() == 1 { paths.swap_remove(0) } else { Value::Array(paths) };
        let properties = Map::from_iter([
            ("data_dir".to_owned(), data_dir),
            ("chunk_size".to_owned(), json!(config.chunk_size)),
            ("thin_provisioning".to_owned(), json!(thin_provisioning)),
        ]);
        let facts = StoreFacts { id, kind: "file", description, read_only: false, weight, properties };
        Ok(Self { facts, directories: Arc::new(directories), file_perm, thin_provisioning })
    }

    /// A part file in the best directory that has room.
    fn begin(&self, spec: &WriteSpec, deed: Deed<'_>) -> Result<FileWriter, StoreError> {
        self.refuse_second(&spec.image, deed)?;
        // What a thin image will really take is not known before it is written.
        let len = if self.thin_provisioning { 0 } else { spec.len.unwrap_or(0) };
        let mut failure = None;
        for directory in self.directories.with_room(len, deed)? {
            match FileWriter::create(deed.store, &self.directories, directory, &spec.image, self.file_perm) {
                Ok(writer) => return Ok(writer),
                Err(error) => {
                    failure =
                        Some(deed.failed(format!("cannot create a file in {}", directory.text()), error));
                }
            }
        }
        Err(failure.unwrap_or_else(|| deed.refused(StoreErrorKind::Full, "no data directory has room")))
    }

    /// The part file of that url, if it is one of this image.
    fn resume(&self, url: &str, spec: &WriteSpec, deed: Deed<'_>) -> Result<Option<FileWriter>, StoreError> {
        let (path, name) = self.directories.locate(url, deed)?;
        if !matches!(&name, Name::Part(image) if *image == spec.image) {
            return Ok(None);
        }
        let own = self.directories.iter().find(|own| path.parent() == Some(own.path()));
        let (Some(directory), Some(name)) = (own, path.file_name().and_then(|name| name.to_str())) else {
            return Ok(None);
        };
        let image = &spec.image;
        FileWriter::resume(deed.store, &self.directories, directory, name, image, self.file_perm)
            .map_err(|error| deed.failed(format!("cannot open {} again", path.display()), error))
    }

    fn refuse_second(&self, image: &ImageId, deed: Deed<'_>) -> Result<(), StoreError> {
        let finished = self.directories.finished(image);
        match finished.map_err(|error| deed.failed(format!("cannot look for image {image}"), error))? {
            Some(path) => {
                let message = format!("image file {} is there already", path.display());
                Err(deed.refused(StoreErrorKind::AlreadyExists, message))
            }
            None => Ok(()),
        }
    }

    fn clone_now(
        &self,
        source: &CloneSource,
        spec: &WriteSpec,
        deed: Deed<'_>,
    ) -> Result<CloneOutcome, StoreError> {
        let Some(path) = self.directories.locate_source(&source.url) else {
            return Ok(CloneOutcome::Refused(ELSEWHERE.to_owned()));
        };
        let (file, len) = open_regular(&path, deed)?;
        if len != source.len {
            return Ok(CloneOutcome::Refused(wrong_length(len, source.len)));
        }
        self.refuse_second(&spec.image, deed)?;
        let mut reason = NO_REFLINKS.to_owned();
        for directory in self.directories.iter().filter(|directory| directory.reflink) {
            let failed = |error| deed.failed(format!("cannot clone {}", path.display()), error);
            let writer =
                FileWriter::create(deed.store, &self.directories, directory, &spec.image, self.file_perm)
                    .map_err(failed)?;
            match reflink::clone(&file, writer.file()) {
                Ok(Ok(())) => return writer.finish(len, deed).map(CloneOutcome::Cloned),
                Ok(Err(why)) => why.clone_into(&mut reason),
                Err(error) => {
                    writer.remove().map_err(failed)?;
                    return Err(failed(error));
                }
            }
            writer.remove().map_err(failed)?;
        }
        Ok(CloneOutcome::Refused(reason))
    }
}

/// Why a source is not cloned.
const ELSEWHERE: &str = "the source is not in a directory this store may clone from";
const NO_REFLINKS: &str = "no data directory is on a file system with reflinks";
const OTHER_DEVICE: &str = "the files are on different file systems";
/// A clone shares the blocks that were verified; a copy by the kernel would be of bytes nobody has looked at.
const UNSEEN: &str = "the kernel would copy bytes unseen; read to be verified, they are as cheaply written";

fn wrong_length(found: u64, expected: u64) -> String {
    format!("the source has {found} bytes and not {expected}")
}

impl FileStore {
    /// Why a source cannot share its blocks with a new file, as far as can be seen without making one.
    fn no_reflink(&self, source: &CloneSource, deed: Deed<'_>) -> Result<Option<String>, StoreError> {
        let Some(path) = self.directories.locate_source(&source.url) else {
            return Ok(Some(ELSEWHERE.to_owned()));
        };
        let failed = |error| deed.failed("cannot see the source", error);
        let metadata = fs::metadata(&path).map_err(failed)?;
        if metadata.len() != source.len {
            return Ok(Some(wrong_length(metadata.len(), source.len)));
        }
        let mut able = self.directories.iter().filter(|directory| directory.reflink).peekable();
        if able.peek().is_none() {
            return Ok(Some(NO_REFLINKS.to_owned()));
        }
        for directory in able {
            if fs::metadata(directory.path()).map_err(failed)?.dev() == metadata.dev() {
                return Ok(None);
            }
        }
        Ok(Some(OTHER_DEVICE.to_owned()))
    }
}

#[async_trait]
impl Store for FileStore {
    fn facts(&self) -> &StoreFacts {
        &self.facts
    }

    fn capability(&self) -> Capability {
        Capability {
            write: true,
            read_ranges: true,
            extents: true,
            fresh_is_zero: true,
            resume: true,
            clone: self.directories.iter().any(|directory| directory.reflink),
            preferred_io: PREFERRED_IO,
        }
    }

    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        let (this, spec) = (self.clone(), spec.clone());
        let writer = blocking(&self.facts.id, Operation::BeginWrite, move |deed| this.begin(&spec, deed));
        Ok(Box::new(writer.await?))
    }

    async fn resume_write(
        &self,
        url: &str,
        spec: &WriteSpec,
    ) -> Result<Option<Box<dyn StoreWriter>>, StoreError> {
        let (store, url, spec) = (self.clone(), url.to_owned(), spec.clone());
        blocking(&self.facts.id, Operation::BeginWrite, move |deed| {
            let writer = store.resume(&url, &spec, deed)?;
            Ok(writer.map(|writer| Box::new(writer) as Box<dyn StoreWriter>))
        })
        .await
    }

    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        let (directories, url) = (Arc::clone(&self.directories), url.to_owned());
        let opened =
            blocking(&self.facts.id, Operation::Open, move |deed| match directories.locate(&url, deed)? {
                (path, Name::Finished(_)) => open_regular(&path, deed),
                (_, Name::Part(image)) => {
                    let message = format!("image {image} is not complete in {url}");
                    Err(deed.refused(StoreErrorKind::NotFound, message))
                }
            });
        let (file, len) = opened.await?;
        Ok(Arc::new(FileReader::new(self.facts.id.clone(), file, len)))
    }

    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        if source.kind != self.facts.kind {
            return Ok(CloneOutcome::Refused(format!("{} is not in a file store", source.url)));
        }
        let (this, source, spec) = (self.clone(), source.clone(), spec.clone());
        blocking(&self.facts.id, Operation::Clone, move |deed| this.clone_now(&source, &spec, deed)).await
    }

    async fn offers(&self, source: &CloneSource, _spec: &WriteSpec) -> Result<Vec<Offer>, StoreError> {
        if source.kind != self.facts.kind {
            let reason = format!("what store {} has is no file", source.store);
            return Ok(vec![Offer::refused(Strategy::Reflink, reason)]);
        }
        let (this, source) = (self.clone(), source.clone());
        let seen = move |deed: Deed<'_>| this.no_reflink(&source, deed);
        let reflink = Offer { strategy: Strategy::Reflink, refused: None };
        Ok(match blocking(&self.facts.id, Operation::Clone, seen).await? {
            None => vec![reflink],
            refused => {
                vec![Offer::refused(Strategy::ServerSideCopy, UNSEEN), Offer { refused, ..reflink }]
            }
        })
    }

    /// The file system, where files share blocks on it. Devices have numbers of their node, as clones have.
    async fn backend(&self) -> Option<String> {
        self.directories.shared_blocks().map(|device| format!("device {device}"))
    }

    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        let (directories, url) = (Arc::clone(&self.directories), url.to_owned());
        blocking(&self.facts.id, Operation::Delete, move |deed| {
            let (path, _) = directories.locate(&url, deed)?;
            fs::remove_file(&path).map_err(|error| {
                deed.failed(format!("cannot remove image file {}", path.display()), error)
            })?;
            // Without this a power cut could bring the file back after its image is forgotten.
            match path.parent().map_or(Ok(()), directory::sync) {
                Ok(()) => Ok(()),
                Err(error) => Err(deed.failed(format!("cannot make the removal of {url} durable"), error)),
            }
        })
        .await
    }

    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError> {
        let (directories, image) = (Arc::clone(&self.directories), image.clone());
        blocking(&self.facts.id, Operation::Find, move |deed| {
            let mut urls = Vec::new();
            for directory in directories.iter() {
                let files = directory
                    .list()
                    .map_err(|error| deed.failed(format!("cannot list {}", directory.text()), error))?;
                let of_image = files.iter().filter(|(_, name)| *name.image() == image);
                urls.extend(of_image.map(|(file, _)| directory.url(file)));
            }
            Ok(urls)
        })
        .await
    }

    async fn holds(&self, url: &str) -> Result<bool, StoreError> {
        Ok(self.directories.holds(url))
    }

    /// Removes nothing: a part file may be one that another node writes at this moment. Whoever journalled
    /// the write clears it up by [`Store::find`].
    async fn recover(&self) -> Result<(), StoreError> {
        let directories = Arc::clone(&self.directories);
        blocking(&self.facts.id, Operation::Recover, move |deed| {
            for directory in directories.iter() {
                let files = directory
                    .list()
                    .map_err(|error| deed.failed(format!("cannot list {}", directory.text()), error))?;
                let parts = files.iter().filter(|(_, name)| matches!(name, Name::Part(_))).count();
                if parts > 0 {
                    tracing::info!(store.id = %deed.store, path = directory.text(), parts, "unfinished image files");
                }
            }
            Ok(())
        })
        .await
    }
}
