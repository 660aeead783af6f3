// SPDX-License-Identifier: Apache-2.0
//! VMware's disk: a sparse extent with its descriptor inside, or a descriptor alone.

use super::Findings;
use super::capture::{Capture, Extra, Window};
use crate::bytes::{le32, le64};

const SECTOR: u64 = 512;
/// QEMU reads no longer descriptor either.
const DESCRIPTOR_MAX: u64 = (1 << 20) - 1;
const TITLE: &[u8] = b"# disk descriptorfile";
const AT_END: u64 = u64::MAX;
const MARKER_FOOTER: u32 = 3;
/// The kinds that hold their data in the one file; others lead to further files.
const SELF_CONTAINED: [&str; 2] = ["monolithicsparse", "streamoptimized"];

/// The part of a sparse extent's header that counts here.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    version: u32,
    capacity: u64,
    descriptor: (u64, u64),
    directory: u64,
}

impl Header {
    fn parse(sector: &[u8]) -> Option<Self> {
        if !sector.starts_with(b"KDMV") {
            return None;
        }
        Some(Self {
            version: le32(sector, 4)?,
            capacity: le64(sector, 12)?,
            descriptor: (le64(sector, 28)?, le64(sector, 36)?),
            directory: le64(sector, 56)?,
        })
    }
}

/// Which window holds the descriptor: behind a sparse header, or the text itself (its first sector is in the head).
pub(super) fn begin(head: &[u8]) -> Option<Extra> {
    let len = match Header::parse(head) {
        Some(header) => header.descriptor.1.saturating_mul(SECTOR).min(DESCRIPTOR_MAX),
        None if is_text(head) => DESCRIPTOR_MAX - SECTOR,
        None => return None,
    };
    Some(Extra::Vmdk(Window::new(SECTOR, len)))
}

fn is_text(head: &[u8]) -> bool {
    head.iter().take(SECTOR as usize).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// The descriptor: what stands before the first NUL. `None` when it is cut off.
fn descriptor(capture: &Capture, embedded: bool) -> Option<Vec<u8>> {
    let window = match &capture.extra {
        Extra::Vmdk(window) => Some(window),
        _ => None,
    };
    let mut text = if embedded {
        window.filter(|window| window.bytes.len() as u64 == window.len)?.bytes.clone()
    } else {
        let first = capture.head();
        let rest = window.map_or(&[][..], |window| &window.bytes);
        [&first[..first.len().min(SECTOR as usize)], rest].concat()
    };
    text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
    Some(text)
}

/// A descriptor is case-insensitive.
fn lower_case(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_ascii_lowercase()
}

fn find_create_type(descriptor: &str) -> Option<String> {
    let (_, rest) = descriptor.split_once("createtype=\"")?;
    let (kind, _) = rest.split_once('"')?;
    (kind.len() < 64).then(|| kind.to_owned())
}

fn is_embedded(capture: &Capture) -> bool {
    capture.head().starts_with(b"KDMV")
}

/// The descriptor's `createType` in lower case, of a stream that is a VMDK.
pub(super) fn create_type(capture: &Capture) -> Option<String> {
    let embedded = is_embedded(capture);
    if !embedded && !is_text(capture.head()) {
        return None;
    }
    find_create_type(&lower_case(&descriptor(capture, embedded)?))
}

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    let mut findings = Findings::default();
    let kind = create_type(capture);
    if !is_embedded(capture) {
        let titled = capture.head().get(..TITLE.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(TITLE));
        if kind.is_none() && !titled {
            return None;
        }
        findings.fault("descriptor", "a descriptor without its data refers to other files");
        return Some(findings);
    }
    let Some(header) = Header::parse(capture.head()) else {
        findings.fault("descriptor", "the header is cut off");
        return Some(findings);
    };
    if let Err(reason) = check_descriptor(&header, descriptor(capture, true), kind.as_deref()) {
        findings.fault("descriptor", reason);
    } else {
        findings.virtual_size = header.capacity.checked_mul(SECTOR);
    }
    if header.directory == AT_END
        && let Err(reason) = check_footer(&header, capture.tail())
    {
        findings.fault("footer", reason);
    }
    Some(findings)
}

fn check_descriptor(header: &Header, text: Option<Vec<u8>>, kind: Option<&str>) -> Result<(), String> {
    if !(1..=3).contains(&header.version) {
        return Err(format!("version {} of the format is not supported", header.version));
    }
    if header.descriptor.0 != 1 {
        return Err("the descriptor does not follow the header".to_owned());
    }
    // QEMU then takes the descriptor for the image and opens the files it names.
    if header.capacity == 0 {
        return Err("the header gives no capacity".to_owned());
    }
    let text = text.ok_or("the descriptor is missing or cut off")?;
    if !text.is_ascii() {
        return Err("the descriptor is not plain text".to_owned());
    }
    let text = lower_case(&text);
    let kind = kind.ok_or("the descriptor names no createType")?;
    if !SELF_CONTAINED.contains(&kind) {
        return Err(format!("createType {kind:?} is not supported"));
    }
    // QEMU opens the file named there as a backing file.
    if text.contains("parentfilenamehint") {
        return Err("the image has a parent".to_owned());
    }
    let mut extents = 0;
    for line in text.lines().map(str::trim) {
        let word = line.split(' ').next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
            continue;
        }
        if line.split_once('=').is_some_and(|(key, _)| !key.contains(' ')) {
            continue;
        }
        if !matches!(word, "rw" | "rdonly" | "noaccess") {
            return Err("the descriptor has a line that is not understood".to_owned());
        }
        if line.contains('/') {
            return Err("an extent names a path".to_owned());
        }
        extents += 1;
    }
    if extents == 0 { Err("the descriptor lists no extent".to_owned()) } else { Ok(()) }
}

/// A streamed image repeats its header at the end, and readers prefer that one.
fn check_footer(header: &Header, tail: &[u8]) -> Result<(), &'static str> {
    let (Some(marker), Some(footer), Some(end)) =
        (tail.get(..512), tail.get(512..1024), tail.get(1024..1536))
    else {
        return Err("the footer is cut off");
    };
    let Some(footer) = Header::parse(footer) else { return Err("the footer is not a header") };
    if footer.directory == AT_END {
        return Err("the footer points to another footer");
    }
    if (footer.version, footer.capacity, footer.descriptor)
        != (header.version, header.capacity, header.descriptor)
    {
        return Err("header and footer differ");
    }
    let is_marker = |sector: &[u8], kind: u32| {
        le32(sector, 8) == Some(0)
            && le32(sector, 12) == Some(kind)
            && sector[16..].iter().all(|byte| *byte == 0)
    };
    if !is_marker(marker, MARKER_FOOTER) {
        return Err("the footer's marker is not valid");
    }
    if le64(end, 0) != Some(0) || !is_marker(end, 0) {
        return Err("the end-of-stream marker is not valid");
    }
    Ok(())
}
