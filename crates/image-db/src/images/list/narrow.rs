// SPDX-License-Identifier: Apache-2.0
//! Texts that columns of three-byte UTF-8 (Glance's, in MySQL and MariaDB) cannot even be compared with.

use scurry_image::{Filter, ListQuery, Match};

/// The same list where no column holds a sign outside the basic plane: what asks for one matches nothing.
pub(super) fn in_basic_plane(query: &ListQuery) -> ListQuery {
    ListQuery { filters: query.filters.iter().map(narrowed).collect(), ..query.clone() }
}

fn narrowed(filter: &Filter) -> Filter {
    let keep = |fits: bool| if fits { filter.clone() } else { Filter::Nothing };
    let matched = |of: fn(Match) -> Filter, wanted: &Match| match wanted {
        Match::Eq(value) => keep(fits(value)),
        Match::In(values) => of(Match::In(values.iter().filter(|value| fits(value)).cloned().collect())),
    };
    match filter {
        Filter::Name(wanted) => matched(Filter::Name, wanted),
        Filter::Id(wanted) => matched(Filter::Id, wanted),
        Filter::Status(wanted) => matched(Filter::Status, wanted),
        Filter::DiskFormat(wanted) => matched(Filter::DiskFormat, wanted),
        Filter::ContainerFormat(wanted) => matched(Filter::ContainerFormat, wanted),
        Filter::Owner(text)
        | Filter::Tag(text)
        | Filter::Checksum(text)
        | Filter::OsHashAlgo(text)
        | Filter::OsHashValue(text) => keep(fits(text)),
        Filter::Property(name, value) => keep(fits(name) && fits(value)),
        _ => filter.clone(),
    }
}

fn fits(text: &str) -> bool {
    text.chars().all(|sign| sign <= '\u{ffff}')
}
