// SPDX-License-Identifier: Apache-2.0
//! oslo.config's dialect: parsing, typed options, reports that name file and line.
//!
//! [`ConfigFiles`] holds what the files say, [`Reader`] gives typed values by the tables of known options
//! ([`OptionSpec`], one [`Dialect`] a service) and collects everything that is wrong, [`GlanceConf`] is the Image
//! service's configuration as a value, and [`check`] and [`show`] tell operators what they have.

mod error;
mod files;
mod glance;
pub mod ini;
mod interpolate;
mod option;
mod paste;
mod reader;
mod registry;
mod report;
mod value;

pub use error::{ConfigErrors, Place, Problem};
pub use files::{ConfigFiles, RawValue};
pub use glance::{
    AddressRange, AuthMethod, Authentication, BrokerHost, CinderStore, CorsOrigin, DatabaseOptions,
    DelayedDelete, DomainSetting, FileStore, GlanceConf, HealthBackend, Healthcheck, HttpStore, ImageCache,
    ImageFormats, ImportPlugins, KeystoneAuth, KeystoneAuthtoken, NotificationDriver, Notifications,
    OsloLimit, OsloPolicy, Pipeline, PropertyProtection, PropertyRules, QuorumQueues, RabbitSettings,
    RabbitTls, Store, StoreKind, StoreSection, TransportUrl, TransportUrlError,
};
pub use option::{Kind, OptionSpec};
pub use reader::{FromOption, Reader};
pub use registry::{Dialect, specs};
pub use report::{Report, check, show};
pub use scurry_types::Secret;
