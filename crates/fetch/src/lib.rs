// SPDX-License-Identifier: Apache-2.0
//! Reading from addresses that clients name: behind the operator's filter, without a way round it.
//!
//! A [`Fetcher`] looks a name up once for each connection and connects to the addresses that passed the filter, so
//! that a name cannot point elsewhere in between; every redirect passes the filter again.

mod address;
mod clients;
mod error;
mod fetched;
mod fetcher;
mod filter;
mod lookup;
mod settings;
mod validator;

pub use error::FetchError;
pub use fetched::Fetched;
pub use fetcher::{Described, Fetcher, Request};
pub use filter::{Filter, FilterRules};
pub use lookup::{Lookup, SystemLookup};
pub use settings::{FetchSettings, Proxies};
