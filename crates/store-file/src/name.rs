// SPDX-License-Identifier: Apache-2.0
//! Names of image files and the urls made of them.
//!
//! A finished image is `<image id>`, as Glance names it. One on its way is `.<image id>.<random>.part`.

use std::path::{Path, PathBuf};

use scurry_types::ImageId;
use uuid::Uuid;

const SCHEME: &str = "file://";
const PART: &str = ".part";

/// What a file in a data directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    Finished(ImageId),
    Part(ImageId),
}

impl Name {
    /// `None` when the file is not of this store.
    pub(crate) fn read(name: &str) -> Option<Self> {
        if let Ok(image) = name.parse() {
            return Some(Self::Finished(image));
        }
        let (image, random) = name.strip_prefix('.')?.strip_suffix(PART)?.split_once('.')?;
        let random = random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        random.then(|| image.parse().ok().map(Self::Part))?
    }

    pub(crate) fn image(&self) -> &ImageId {
        match self {
            Self::Finished(image) | Self::Part(image) => image,
        }
    }
}

/// Name of a new part file.
pub(crate) fn part(image: &ImageId) -> String {
    format!(".{image}.{}{PART}", Uuid::new_v4().simple())
}

/// Url of a file in a data directory.
pub(crate) fn url(directory: &str, name: &str) -> String {
    let directory = directory.trim_end_matches('/');
    format!("{SCHEME}{directory}/{name}")
}

/// The directory, file and meaning of a url; `None` when no file store made it.
pub(crate) fn read_url(url: &str) -> Option<(PathBuf, PathBuf, Name)> {
    let (directory, file) = url.strip_prefix(SCHEME)?.rsplit_once('/')?;
    let name = Name::read(file)?;
    let directory = Path::new(if directory.is_empty() { "/" } else { directory });
    directory.is_absolute().then(|| (directory.to_owned(), directory.join(file), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11";

    #[test]
    fn names_and_urls_are_read_back() {
        let image: ImageId = ID.parse().unwrap();
        assert_eq!(Name::read(ID), Some(Name::Finished(image.clone())));
        assert_eq!(Name::read(&part(&image)), Some(Name::Part(image.clone())));
        let (directory, path, name) = read_url(&url("/var/lib/images/", ID)).unwrap();
        assert_eq!(directory, Path::new("/var/lib/images"));
        assert_eq!(path, Path::new("/var/lib/images").join(ID));
        assert_eq!(name, Name::Finished(image));
    }

    #[test]
    fn other_names_and_urls_are_not() {
        for name in
            ["", ".", "..", "passwd", ".part", "x.part", &format!(".{ID}..part"), &format!(".{ID}.xyz.part")]
        {
            assert_eq!(Name::read(name), None, "{name}");
        }
        for url in [
            format!("/a/{ID}"),
            format!("file://a/{ID}"),
            format!("FILE:///a/{ID}"),
            format!("file:///a/{ID}/.."),
            format!("file:///a/{ID}/."),
            format!("file:///a/{ID}/"),
            format!("file:///a/{ID}/x"),
            "file:///".to_owned(),
            "file://".to_owned(),
        ] {
            assert_eq!(read_url(&url), None, "{url}");
        }
    }
}
