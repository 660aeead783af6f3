// SPDX-License-Identifier: Apache-2.0
//! Copies a file to a LUN or a LUN to a file, holes as holes, and tells how fast:
//! `copy iscsi://user%secret@host:port/iqn/lun FILE` or `copy FILE iscsi://…`.
#![allow(clippy::print_stdout, reason = "its whole purpose")]

use std::{
    error::Error,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use scurry_iscsi::{
    Addressing, ChapCredentials, Disk, Execute, LoginOptions, Lun, PathTo, Paths, PathsOptions, Secret,
    Target,
};

type Failure = Box<dyn Error + Send + Sync>;

const CHUNK: u64 = 1 << 20;
/// Bytes that are told to be data or zeroes at once.
const GRAIN: usize = 64 << 10;
const IN_FLIGHT: usize = 16;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else { return Err("usage: copy FROM TO".into()) };
    let (url, file, reads) = match (from.strip_prefix("iscsi://"), to.strip_prefix("iscsi://")) {
        (Some(url), None) => (url, to, true),
        (None, Some(url)) => (url, from, false),
        _ => return Err("one of both has to be iscsi://…".into()),
    };
    let (path, options) = parse(url)?;
    let lun = path.lun;
    let paths = Arc::new(Paths::open(vec![path], options).await?);
    let disk = Arc::new(Disk::open(Arc::clone(&paths) as Arc<dyn Execute>, lun).await?);
    let since = Instant::now();
    let (data, whole) = if reads { read(&disk, file).await? } else { write(&disk, file).await? };
    let seconds = since.elapsed().as_secs_f64();
    drop(disk);
    if let Some(paths) = Arc::into_inner(paths) {
        paths.close().await;
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:.0} MiB of {:.0} MiB are data: {seconds:.2} s, {:.0} MiB/s",
        mib(data),
        mib(whole),
        mib(data) / seconds
    );
    Ok(())
}

/// `user%secret@host:port/iqn/lun`, as libiscsi and qemu-img write it.
fn parse(url: &str) -> Result<(PathTo, PathsOptions), Failure> {
    let (who, place) = url.rsplit_once('@').map_or((None, url), |(who, place)| (Some(who), place));
    let [portal, name, lun] = *place.split('/').collect::<Vec<_>>() else {
        return Err("iscsi://host:port/iqn/lun was expected".into());
    };
    let mut login = LoginOptions::new("iqn.2026-01.internal.scurry:copy");
    if let Some((name, secret)) = who.and_then(|who| who.split_once('%')) {
        login.chap = Some(ChapCredentials { name: name.to_owned(), secret: Secret::from(secret) });
    }
    let target = Target { portal: portal.parse()?, name: name.to_owned() };
    let lun = Lun::from_number(lun.parse()?, Addressing::Transparent)?;
    Ok((PathTo { target, lun }, PathsOptions::new(login)))
}

fn chunks(start: u64, len: u64) -> impl Iterator<Item = (u64, u64)> {
    let end = start + len;
    (start..end).step_by(CHUNK as usize).map(move |at| (at, CHUNK.min(end - at)))
}

/// The LUN into a file; gives the bytes of data and of the whole.
async fn read(disk: &Arc<Disk>, path: &str) -> Result<(u64, u64), Failure> {
    let len = disk.len();
    let file = Arc::new(OpenOptions::new().write(true).create(true).truncate(true).open(path)?);
    file.set_len(len)?;
    let extents = disk.extents(0..len).await?;
    let data: Vec<_> = extents.into_iter().filter(|extent| extent.data).collect();
    let sum = data.iter().map(|extent| extent.len).sum();
    let mut parts = stream::iter(data.iter().flat_map(|extent| chunks(extent.offset, extent.len)))
        .map(|(at, len)| {
            let disk = Arc::clone(disk);
            tokio::spawn(async move { Ok::<_, Failure>((at, disk.read(at, len as usize).await?)) })
        })
        .buffer_unordered(IN_FLIGHT);
    // One writer: several would only wait for each other at the file's lock.
    while let Some(part) = parts.next().await {
        let (at, bytes) = part??;
        let file = Arc::clone(&file);
        tokio::task::spawn_blocking(move || file.write_all_at(&bytes, at)).await??;
    }
    Ok((sum, len))
}

/// A file into the LUN; what is zero in the file is zeroed, not written.
async fn write(disk: &Arc<Disk>, path: &str) -> Result<(u64, u64), Failure> {
    let file = Arc::new(File::open(path)?);
    let len = file.metadata()?.len();
    let fresh = disk.fresh_is_zero() && disk.extents(0..len).await?.iter().all(|extent| !extent.data);
    let sum = stream::iter(chunks(0, len))
        .map(|(at, len)| {
            let (disk, file) = (Arc::clone(disk), Arc::clone(&file));
            tokio::spawn(async move {
                let bytes = tokio::task::spawn_blocking(move || load(&file, at, len)).await??;
                write_chunk(&disk, at, bytes, fresh).await
            })
        })
        .buffer_unordered(IN_FLIGHT)
        .map(|done| done?)
        .try_fold(0, |sum, len| std::future::ready(Ok(sum + len)))
        .await?;
    disk.flush().await?;
    Ok((sum, len))
}

fn load(file: &File, at: u64, len: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0; len as usize];
    file.read_exact_at(&mut buffer, at)?;
    Ok(buffer.into())
}

/// Writes what is data and zeroes what is not; gives the bytes of data.
async fn write_chunk(disk: &Disk, at: u64, bytes: Bytes, fresh: bool) -> Result<u64, Failure> {
    let (mut start, mut sum) = (0, 0);
    let is_zero = |part: &[u8]| part.iter().fold(0, |any, byte| any | byte) == 0;
    while start < bytes.len() {
        let zero = is_zero(&bytes[start..bytes.len().min(start + GRAIN)]);
        let same = bytes[start..].chunks(GRAIN).take_while(|part| is_zero(part) == zero);
        let end = start + same.map(<[u8]>::len).sum::<usize>();
        match zero {
            true if fresh => {}
            true => disk.write_zeroes(at + start as u64, (end - start) as u64).await?,
            false => {
                disk.write(at + start as u64, bytes.slice(start..end)).await?;
                sum += (end - start) as u64;
            }
        }
        start = end;
    }
    Ok(sum)
}
