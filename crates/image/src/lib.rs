// SPDX-License-Identifier: Apache-2.0
//! The use cases of the image service: what happens to images, whoever asks and wherever they are kept.
//!
//! [`ImageService`] is the one door. It knows the database as [`ports::ImageRepository`], project limits as
//! [`ports::Limits`] and stores as [`scurry_store::Registry`]; policy rules are checked by its callers.

mod body;
mod cache;
mod caller;
mod error;
mod image;
mod import;
mod inspect;
mod member;
pub mod metadef;
pub mod notice;
mod patch;
mod plugins;
pub mod ports;
mod query;
mod service;
mod settings;
mod task;
mod upload_session;

pub use body::{Body, BodyError, ByteRange, Download, Upload};
pub use caller::Caller;
pub use error::ImageError;
pub use image::{Image, ImageLocation, NewImage, ValidationData};
pub use import::{ImportMethod, ImportRequest, RemoteImage};
pub use member::Member;
pub use patch::{Dialect, PatchOp, PatchRights, PatchVerb, PropertyRights};
pub use plugins::{ImportPlugin, ImportPlugins, UnknownImportPlugin};
pub use query::{
    Direction, Filter, ListQuery, Match, MemberStatusFilter, NumberField, SortKey, TimeOp, VisibilityFilter,
};
pub use scurry_transfer::{Chunk, CopyPlan, Planned, Refused, SourceExtents, Strategy};
#[cfg(any(test, feature = "crash-points"))]
pub use service::CrashPoints;
pub use service::{
    CachePart, CopyOutlook, ImageService, ImportTask, Orphan, Pruned, Scrubbed, ServiceParts, Usage,
};
pub use settings::{CacheSettings, DelayedDelete, ImageSettings, Quotas};
pub use task::{Task, TaskQuery, TaskSortKey};
pub use upload_session::{Append, Appended, UploadProblem, UploadState};
