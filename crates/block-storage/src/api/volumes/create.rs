// SPDX-License-Identifier: Apache-2.0
//! Creating volumes.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use scurry_openstack_client::ErrorKind;
use scurry_openstack_client::image::Image;
use sea_orm::Set;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::body::{Body, Fields, MAX_GIB};
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view::{self, Around};
use crate::db::entity::volume;
use crate::db::now;
use crate::db::properties::{self, Properties, Space};
use crate::db::snapshots::Snapshot;
use crate::db::types::{self, VolumeType};
use crate::db::volumes::{self, Volume};
use crate::quota::{self, Wanted};
use crate::scheduler;
use crate::service::Service;

const GIB: u64 = scurry_types::size::GIB;

/// Fields of a request to create.
const FIELDS: &[&str] = &[
    "name",
    "description",
    "display_name",
    "display_description",
    "volume_type",
    "metadata",
    "snapshot_id",
    "source_volid",
    "consistencygroup_id",
    "size",
    "availability_zone",
    "multiattach",
    "image_id",
    "imageRef",
    "group_id",
    "backup_id",
];

/// What a volume is made from.
#[derive(Debug)]
enum Origin {
    Nothing,
    Volume(Volume),
    Snapshot(Snapshot),
    Image(Box<Image>),
}

/// `POST /volumes`
pub(crate) async fn create(
    State(service): State<Shared>,
    caller: Caller,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let fields = body.inner("volume")?;
    if caller.from(53) {
        fields.only(FIELDS)?;
    }
    if fields.flag("multiattach")? == Some(true) {
        return Err(Fault::bad_request(
            "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume \
             types. Contact your administrator to create a multiattach enabled volume type and use it to create \
             multiattach volumes.",
        ));
    }
    if let Some(id) = fields.text("backup_id")? {
        return Err(Fault::not_found(format!("Backup {id} could not be found.")));
    }
    for key in ["group_id", "consistencygroup_id"] {
        if let Some(id) = fields.text(key)? {
            return Err(Fault::not_found(format!("Group {id} could not be found.")));
        }
    }
    let zone = zone(&service, &fields)?;
    let metadata = fields.properties("metadata")?;
    let asked = match fields.text("volume_type")?.filter(|name| !name.is_empty()) {
        Some(name) => Some(usable_type(&service, &caller, name).await?),
        None => None,
    };
    let origin = origin(&service, &caller, &fields).await?;
    let kind = match asked {
        Some(kind) => kind,
        None => type_of_origin(&service, &caller, &origin).await?,
    };
    let specs = properties::get(service.db.pool(), &kind.id, Space::Specs).await?;
    let size = size(&fields, &origin)?;
    check_origin(&service, &origin, size, &kind, &specs)?;
    let volume = insert(&service, &caller, &fields, &origin, (&kind, &specs), size, zone, &metadata).await?;
    let token = matches!(origin, Origin::Image(_)).then(|| caller.token.clone());
    service.start_create(&volume.id, token);
    tracing::info!(volume.id = volume.id, project.id = volume.project_id, size, "volume requested");
    let around = Around::load(&service, std::slice::from_ref(&volume)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "volume": view::volume(&service, &caller, &volume, &around) }))))
}

fn zone(service: &Service, fields: &Fields<'_>) -> Answer<String> {
    let own = &service.conf.storage_availability_zone;
    match fields.text("availability_zone")?.filter(|zone| !zone.is_empty()) {
        Some(zone) if zone != own => {
            Err(Fault::bad_request(format!("Availability zone '{zone}' is invalid.")))
        }
        _ => Ok(own.clone()),
    }
}

/// A type the caller may use, by name or id.
pub(crate) async fn usable_type(service: &Service, caller: &Caller, name: &str) -> Answer<VolumeType> {
    let kind = types::find(service.db.pool(), name).await?;
    if let Some(kind) = kind
        && (caller.is_admin || types::usable(service.db.pool(), &kind, &caller.project).await?)
    {
        return Ok(kind);
    }
    Err(Fault::no_type(name))
}

async fn origin(service: &Service, caller: &Caller, fields: &Fields<'_>) -> Answer<Origin> {
    let volume = fields.uuid("source_volid")?;
    let snapshot = fields.uuid("snapshot_id")?;
    let image = fields.text("imageRef")?.or(fields.text("image_id")?).filter(|image| !image.is_empty());
    if [volume.is_some(), snapshot.is_some(), image.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(Fault::invalid_input("May specify only one of snapshot, imageRef or source volume"));
    }
    if let Some(id) = volume {
        return Ok(Origin::Volume(caller.volume(service, id).await?));
    }
    if let Some(id) = snapshot {
        return Ok(Origin::Snapshot(caller.snapshot(service, id).await?));
    }
    if let Some(reference) = image {
        caller.may("volume:create_from_image")?;
        return Ok(Origin::Image(Box::new(find_image(service, caller, reference).await?)));
    }
    Ok(Origin::Nothing)
}

/// The image of a reference, which may be a URL that ends in its id.
async fn find_image(service: &Service, caller: &Caller, reference: &str) -> Answer<Image> {
    let unknown = || Fault::bad_request("Invalid image identifier or unable to access requested image.");
    let id = reference.rsplit('/').next().unwrap_or(reference);
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(unknown());
    }
    match service.images_as(Some(&caller.token)).image(id).await {
        Ok(image) => Ok(image),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unauthorized | ErrorKind::BadRequest => {
                Err(unknown())
            }
            _ => Err(Fault::unavailable("The image service does not answer.", error)),
        },
    }
}

async fn type_of_origin(service: &Service, caller: &Caller, origin: &Origin) -> Answer<VolumeType> {
    let inherited = match origin {
        Origin::Volume(volume) => Some(volume.volume_type_id.as_str()),
        Origin::Snapshot(snapshot) => Some(snapshot.volume_type_id.as_str()),
        Origin::Image(image) => image.properties.get("cinder_img_volume_type").and_then(Value::as_str),
        Origin::Nothing => None,
    };
    if let Some(name) = inherited.filter(|name| !name.is_empty()) {
        return usable_type(service, caller, name).await;
    }
    let default = &service.conf.default_volume_type;
    types::find(service.db.pool(), default).await?.ok_or_else(|| {
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("The request cannot be fulfilled as the default volume type {default} cannot be found."),
        )
    })
}

fn size(fields: &Fields<'_>, origin: &Origin) -> Answer<i64> {
    let given = match fields.get("size") {
        Some(value) => {
            let size = fields.whole("size").ok().flatten().filter(|size| (1..=MAX_GIB).contains(size));
            Some(size.ok_or_else(|| {
                Fault::invalid_input(format!(
                    "Invalid volume size provided for create request: {} (size argument must be an integer (or \
                     string representation of an integer) and greater than zero).",
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                ))
            })?)
        }
        None => None,
    };
    match (given, origin) {
        (Some(size), _) => Ok(size),
        (None, Origin::Volume(volume)) => Ok(volume.size),
        (None, Origin::Snapshot(snapshot)) => Ok(snapshot.size),
        (None, _) => Err(Fault::invalid_input(
            "Invalid volume size provided for create request: None (size argument must be an integer (or string \
             representation of an integer) and greater than zero).",
        )),
    }
}

fn check_origin(
    service: &Service,
    origin: &Origin,
    size: i64,
    kind: &VolumeType,
    specs: &Properties,
) -> Answer<()> {
    let mismatch = |what: &str| {
        Fault::invalid_input(format!(
            "Invalid volume_type provided: {} (requested type is not compatible; either match {what}, or omit \
             type argument).",
            kind.id
        ))
    };
    let served = |host: Option<&str>| {
        host.and_then(|host| service.backends.at(host))
            .is_some_and(|backend| scheduler::fits(service, backend, specs).is_ok())
    };
    match origin {
        Origin::Nothing => Ok(()),
        Origin::Volume(source) => {
            if !["available", "in-use"].contains(&source.status.as_str()) {
                return Err(Fault::invalid_volume(
                    "Originating source volume status must be one of 'available, in-use' values",
                ));
            }
            if size < source.size {
                return Err(Fault::invalid_input(format!(
                    "Volume size '{size}'GB cannot be smaller than original volume size  {}GB. They must be >= \
                     original volume size.",
                    source.size
                )));
            }
            if served(source.host.as_deref()) || served(source.replica_host.as_deref()) {
                Ok(())
            } else {
                Err(mismatch("source volume"))
            }
        }
        Origin::Snapshot(snapshot) => {
            if snapshot.status != "available" {
                return Err(Fault::invalid_snapshot(
                    "Originating snapshot status must be one of 'available' values",
                ));
            }
            if size < snapshot.size {
                return Err(Fault::invalid_input(format!(
                    "Volume size '{size}'GB cannot be smaller than the snapshot size {}GB. They must be >= original \
                     snapshot size.",
                    snapshot.size
                )));
            }
            if served(Some(&snapshot.host)) { Ok(()) } else { Err(mismatch("source snapshot")) }
        }
        Origin::Image(image) => check_image(image, size),
    }
}

fn check_image(image: &Image, size: i64) -> Answer<()> {
    if image.status != "active" {
        return Err(Fault::invalid_input(format!("Image {} is not active.", image.id)));
    }
    let wanted = u64::try_from(size).unwrap_or(0);
    let image_gib = image.size.unwrap_or(0).div_ceil(GIB);
    if image_gib > wanted {
        return Err(Fault::invalid_input(format!(
            "Size of specified image {image_gib}GB is larger than volume size {size}GB."
        )));
    }
    if image.min_disk > wanted {
        return Err(Fault::invalid_input(format!(
            "Volume size {size}GB cannot be smaller than the image minDisk size {}GB.",
            image.min_disk
        )));
    }
    let inside = image.virtual_size.unwrap_or(0).div_ceil(GIB);
    if inside > wanted {
        return Err(Fault::bad_request(format!(
            "Image {} is unacceptable: Image virtual size is {inside}GB and doesn't fit in a volume of size \
             {size}GB.",
            image.id
        )));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the parts of one row, all checked by the one caller")]
async fn insert(
    service: &Service,
    caller: &Caller,
    fields: &Fields<'_>,
    origin: &Origin,
    (kind, specs): (&VolumeType, &Properties),
    size: i64,
    zone: String,
    metadata: &Properties,
) -> Answer<Volume> {
    let id = uuid::Uuid::new_v4().to_string();
    let name = fields.text("name")?.or(fields.text("display_name")?);
    let description = fields.text("description")?.or(fields.text("display_description")?);
    let multiattach = specs
        .get("multiattach")
        .and_then(|v| v.trim().strip_prefix("<is>"))
        .is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
    let row = volume::ActiveModel {
        id: Set(id.clone()),
        project_id: Set(caller.project.clone()),
        user_id: Set(caller.user.clone()),
        name: Set(name.map(|text| text.trim().to_owned())),
        description: Set(description.map(|text| text.trim().to_owned())),
        size: Set(size),
        target_size: Set(None),
        status: Set("creating".to_owned()),
        previous_status: Set(None),
        attach_status: Set("detached".to_owned()),
        volume_type_id: Set(kind.id.clone()),
        host: Set(None),
        availability_zone: Set(zone),
        bootable: Set(false),
        multiattach: Set(multiattach),
        source_volid: Set(if let Origin::Volume(v) = origin { Some(v.id.clone()) } else { None }),
        snapshot_id: Set(if let Origin::Snapshot(s) = origin { Some(s.id.clone()) } else { None }),
        image_id: Set(if let Origin::Image(i) = origin { Some(i.id.clone()) } else { None }),
        replication_status: Set(None),
        replica_host: Set(None),
        consumes_quota: Set(true),
        created_at: Set(now()),
        updated_at: Set(None),
    };
    let tx = service.db.begin().await?;
    let per_volume = quota::limits(&tx, &service.conf, &caller.project).await?.per_volume;
    if per_volume >= 0 && size > per_volume && caller.project != service.internal_project {
        return Err(Fault::over_quota(
            "VolumeSizeExceedsLimit",
            format!("Requested volume size {size}G is larger than maximum allowed limit {per_volume}G."),
        ));
    }
    quota::check(
        &tx,
        &service.conf,
        &service.internal_project,
        &caller.project,
        (&kind.id, &kind.name),
        Wanted { volumes: 1, gigabytes: size, snapshots: 0 },
    )
    .await?;
    let row = volumes::insert(&tx, row).await?;
    properties::merge(&tx, &id, Space::User, metadata).await?;
    tx.commit().await?;
    Ok(row)
}
