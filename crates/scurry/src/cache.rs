// SPDX-License-Identifier: Apache-2.0
//! `scurry cache`: the image cache of a node, managed over its API.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use scurry_openstack_client::ClientError;
use scurry_openstack_client::image::{CacheContents, ImageClient};

use crate::cli::{CacheAction, CacheOptions};
use crate::client;
use crate::failure::Failure;

pub(crate) async fn run(options: CacheOptions) -> Result<ExitCode, Failure> {
    let session = client::session_of_environment()?;
    let region = session.options().region.clone();
    let client = ImageClient::new(session, options.url.as_deref(), region.as_deref());
    act(&client, options.action)
        .await
        .map_err(|error| Failure::new("cannot manage the image cache", error))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &ImageClient, action: CacheAction) -> Result<(), ClientError> {
    match action {
        CacheAction::List => println!("{}", table(&client.cache_contents().await?)),
        CacheAction::Queue { images } => {
            for image in images {
                client.cache_image(&image).await?;
            }
        }
        CacheAction::Delete { images } => {
            for image in images {
                client.uncache_image(&image).await?;
            }
        }
        CacheAction::Clear { part } => client.clear_cache(part.map(|part| part.word())).await?,
        CacheAction::Prune => {
            let pruned = client.prune_cache().await?;
            println!("{} images of {} bytes removed", pruned.total_files_pruned, pruned.total_bytes_pruned);
        }
        CacheAction::Clean => client.clean_cache().await?,
        CacheAction::Nodes { image } => {
            for node in client.nodes_with_cached(&image).await? {
                println!("{node}");
            }
        }
    }
    Ok(())
}

/// One line an image, columns aligned.
fn table(contents: &CacheContents) -> String {
    let mut lines = vec![format!(
        "{:<36}  {:>14}  {:>6}  {:<19}  {}",
        "IMAGE", "BYTES", "HITS", "LAST USED (UTC)", "STATE"
    )];
    for entry in &contents.cached_images {
        let used = chrono::DateTime::from_timestamp(entry.last_accessed as i64, 0);
        let used = used.map(|used| used.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
        lines.push(format!(
            "{:<36}  {:>14}  {:>6}  {used:<19}  cached",
            entry.image_id, entry.size, entry.hits
        ));
    }
    for image in &contents.queued_images {
        lines.push(format!("{image:<36}  {:>14}  {:>6}  {:<19}  queued", "", "", ""));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use scurry_openstack_client::image::CachedImage;

    use super::*;

    #[test]
    fn cached_and_queued_images_share_the_columns() {
        let contents = CacheContents {
            cached_images: vec![CachedImage {
                image_id: "3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11".to_owned(),
                hits: 3,
                last_accessed: 86_400.5,
                last_modified: 0.0,
                size: 1_048_576,
            }],
            queued_images: vec!["0f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11".to_owned()],
        };
        let table = table(&contents);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines[1],
            "3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11         1048576       3  1970-01-02 00:00:00  cached"
        );
        assert_eq!(lines[2].find("queued"), lines[1].find("cached"));
        assert_eq!(lines[0].find("STATE"), lines[1].find("cached"));
    }
}
