// SPDX-License-Identifier: Apache-2.0
//! Clients of a cloud: sessions from clouds.yaml, from the OS_* variables, or from a token and an address.

mod clouds;
mod settings;

use chrono::{DateTime, Utc};
use scurry_openstack_client::image::{Image, ImageClient};
use scurry_openstack_client::{Catalog, Secret, Session, SessionOptions, Token};
use scurry_types::ImageId;

use crate::cli::CloudOptions;
use crate::failure::Failure;
use settings::Settings;

/// The session of the cloud in the environment: OS_CLOUD, else the variables an openrc file sets.
pub(crate) fn session_of_environment() -> Result<Session, Failure> {
    let os_cloud = std::env::var("OS_CLOUD").ok().filter(|name| !name.is_empty());
    settings(&CloudOptions { os_cloud, ..CloudOptions::default() })?.session()
}

/// The image service of the cloud the options name.
pub(crate) fn images(options: &CloudOptions) -> Result<ImageClient, Failure> {
    if let (Some(address), Some(token)) = (&options.image_endpoint, &options.token) {
        let session_options = SessionOptions {
            cafile: options.os_cacert.clone(),
            insecure: options.insecure,
            ..SessionOptions::default()
        };
        let session = with_token(token, session_options)?;
        return Ok(ImageClient::new(session, Some(address), None));
    }
    let settings = settings(options)?;
    let address = options.image_endpoint.as_deref().or_else(|| settings.get("image_endpoint_override"));
    let session = match (settings.logs_in(), address) {
        (true, _) => settings.session()?,
        (false, Some(_)) => with_token(settings.get("token").unwrap_or_default(), settings.options()?)?,
        (false, None) => {
            return Err(Failure::plain(
                "without a login the image service is not known: give --image-endpoint URL",
            ));
        }
    };
    let region = session.options().region.clone();
    Ok(ImageClient::new(session, address, region.as_deref()))
}

/// The image of that id, or of a name only one image has.
pub(crate) async fn find_image(client: &ImageClient, text: &str) -> Result<Image, Failure> {
    let failed = |error| Failure::new(format!("cannot look for the image {text}"), error);
    if text.parse::<ImageId>().is_ok() {
        match client.image(text).await {
            Err(error) if error.is_not_found() => {}
            found => return found.map_err(failed),
        }
    }
    let mut found = client.images_named(text).await.map_err(failed)?;
    match (found.pop(), found.len()) {
        (Some(image), 0) => Ok(image),
        (Some(image), _) => {
            let ids: Vec<&str> = found.iter().chain([&image]).map(|image| image.id.as_str()).collect();
            Err(Failure::plain(format!(
                "{} images are named {text:?}: give an id of {}",
                ids.len(),
                ids.join(", ")
            )))
        }
        (None, _) => Err(Failure::plain(format!("there is no image {text:?} that you can see"))),
    }
}

/// What counts for these options: an entry of clouds.yaml or the environment, and over it what was said itself.
fn settings(options: &CloudOptions) -> Result<Settings, Failure> {
    let mut settings = match &options.os_cloud {
        Some(name) => clouds::entry(name)?,
        None => Settings::of_environment(std::env::vars()),
    };
    if let Some(region) = &options.os_region_name {
        settings.set("region_name", region);
    }
    if let Some(token) = &options.token {
        settings.set("auth_type", "token");
        settings.set("token", token);
    }
    if let Some(file) = &options.os_cacert {
        settings.set("cacert", &file.to_string_lossy());
    }
    if options.insecure {
        settings.set("verify", "false");
    }
    Ok(settings)
}

/// A session that cannot log in: the token is used as it is, while the service takes it.
fn with_token(token: &str, options: SessionOptions) -> Result<Session, Failure> {
    let token = Token {
        id: Secret::new(token),
        expires_at: DateTime::<Utc>::MAX_UTC,
        user_id: String::new(),
        project_id: None,
        roles: Vec::new(),
        catalog: Catalog::default(),
    };
    Session::from_token(token, None, options).map_err(|error| Failure::new("cannot use the token", error))
}
