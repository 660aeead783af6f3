// SPDX-License-Identifier: Apache-2.0
//! Query strings and what becomes of them.

use rstest::rstest;
use scurry_image::{Direction, Filter, Match, MemberStatusFilter, NumberField, SortKey, TimeOp};
use scurry_types::MemberStatus;

use super::*;

fn read(query: &str) -> Result<ListQuery, String> {
    image_query(&Params::parse(Some(query)), &ImageSettings::default()).map_err(|error| error.explanation)
}

/// Filters beside the one on the member status, which is always there.
fn filters(query: &str) -> Vec<Filter> {
    let mut all = read(query).unwrap().filters;
    assert_eq!(all.remove(0), Filter::MemberStatus(MemberStatusFilter::Is(MemberStatus::Accepted)));
    all
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn without_a_query_the_defaults_hold() {
    let query = read("").unwrap();
    assert_eq!(query.limit, 25);
    assert_eq!(query.sort, vec![(SortKey::CreatedAt, Direction::Desc)]);
    assert_eq!(query.marker, None);
}

#[rstest]
#[case("limit=0", 0)]
#[case("limit=7", 7)]
#[case("limit=5000", 1000)]
#[case("limit=99999999999999999999", 1000)]
fn limits_are_capped_silently(#[case] query: &str, #[case] expected: u32) {
    assert_eq!(read(query).unwrap().limit, expected);
}

#[rstest]
#[case("limit=x", "limit param must be an integer")]
#[case("limit=", "limit param must be an integer")]
#[case("limit=-1", "limit param must be positive")]
#[case("marker=nope", "No image found with ID nope")]
#[case("sort=name&sort_key=id", "Old and new sorting syntax cannot be combined")]
#[case(
    "sort_key=name&sort_dir=asc&sort_dir=desc",
    "Number of sort dirs does not match the number of sort keys"
)]
#[case("sort=name:up", "Invalid sort direction: up")]
#[case(
    "sort_key=foo",
    "Invalid sort key: foo. It must be one of the following: name, status, container_format, disk_format, size, \
     id, created_at, updated_at."
)]
#[case("visibility=zz", "Invalid visibility value: zz")]
#[case("member_status=zz", "Invalid status: zz")]
#[case("os_hidden=1", "Invalid value '1' for 'os_hidden' filter. Valid values are 'true' or 'false'.")]
#[case("protected=TRUE", "Invalid value 'TRUE' for 'protected' filter. Valid values are 'true' or 'false'.")]
#[case("size_min=x", "Unable to filter on a range with a non-numeric value.")]
#[case("foo_min=1", "Unable to filter using the specified range.")]
#[case("name=gt:5", "Unable to filter by unknown operator 'gt'.")]
#[case("created_at=zz:2020-01-01", "Unable to filter on a unknown operator.")]
#[case("created_at=gt:soon", "Bad \"created_at\" query filter format. Use ISO 8601 DateTime notation.")]
#[case("changes-since=2020-01-01", "The \"changes-since\" filter is no longer available on v2.")]
#[case("name=in:\"a", "Invalid filter value \"a. The quote is not closed.")]
#[case("name=in:a\"b\"", "Invalid filter value a\"b\". There is no comma before opening quotation mark.")]
#[case("name=in:\"a\"b", "Invalid filter value \"a\"b. There is no comma after closing quotation mark.")]
fn refusals_say_what_clients_expect(#[case] query: &str, #[case] text: &str) {
    assert_eq!(read(query).unwrap_err(), text);
}

#[rstest]
#[case("name=x", vec![Filter::Name(Match::Eq("x".into()))])]
#[case("name=in:a,%22b,c%22,d", vec![Filter::Name(Match::In(texts(&["a", "b,c", "d"])))])]
#[case("name=2020-01-01T00:00:00Z", vec![Filter::Name(Match::Eq("2020-01-01T00:00:00Z".into()))])]
#[case("status=in:active", vec![Filter::Status(Match::In(texts(&["active"])))])]
#[case("tag=a&tag=+b+", vec![Filter::Tag("a".into()), Filter::Tag("b".into())])]
#[case("os_hidden=True", vec![Filter::OsHidden(true)])]
#[case("size_min=5&min_ram_max=6",
       vec![Filter::Min(NumberField::Size, 5), Filter::Max(NumberField::MinRam, 6)])]
#[case("size=gt:5", vec![Filter::Nothing])]
#[case("size=5", vec![Filter::Number(NumberField::Size, 5)])]
#[case("hw_disk_bus=virtio", vec![Filter::Property("hw_disk_bus".into(), "virtio".into())])]
#[case("foo=1&foo=2", vec![Filter::Property("foo".into(), "2".into())])]
#[case("deleted=true", vec![])]
#[case("visibility=", vec![Filter::Nothing])]
fn filters_become_conditions(#[case] query: &str, #[case] expected: Vec<Filter>) {
    assert_eq!(filters(query), expected);
}

#[rstest]
#[case("created_at=gte:2026-01-02T03:04:05Z", TimeOp::Gte, "2026-01-02T03:04:05Z")]
#[case("created_at=2026-01-02", TimeOp::Eq, "2026-01-02T00:00:00Z")]
#[case("created_at=lt:2026-01-02T03:04:05", TimeOp::Lt, "2026-01-02T03:04:05Z")]
#[case("created_at=neq:2026-01-02T05:04:05%2B02:00", TimeOp::Neq, "2026-01-02T03:04:05Z")]
fn times_may_be_written_in_several_ways(#[case] query: &str, #[case] op: TimeOp, #[case] time: &str) {
    assert_eq!(filters(query), vec![Filter::CreatedAt(op, time.parse().unwrap())]);
}

#[test]
fn orders_of_both_syntaxes() {
    let expected = vec![(SortKey::Name, Direction::Asc), (SortKey::Size, Direction::Desc)];
    assert_eq!(read("sort=name:asc,size").unwrap().sort, expected);
    assert_eq!(read("sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc").unwrap().sort, expected);
    let both = vec![(SortKey::Name, Direction::Asc), (SortKey::Size, Direction::Asc)];
    assert_eq!(read("sort_key=name&sort_key=size&sort_dir=asc").unwrap().sort, both);
}

#[test]
fn links_keep_the_query_and_every_tag() {
    let params = Params::parse(Some("tag=a&tag=b+c&limit=2&marker=old"));
    assert_eq!(params.link("/v2/images", None), "/v2/images?tag=a&tag=b+c&limit=2");
    assert_eq!(params.link("/v2/images", Some("new")), "/v2/images?tag=a&tag=b+c&limit=2&marker=new");
    assert_eq!(Params::parse(Some("marker=x")).link("/v2/images", None), "/v2/images");
}

proptest::proptest! {
    /// Whatever a client writes is understood or refused, and links survive being read again.
    #[test]
    fn any_query_is_answered(query in "(([a-z_]{1,12}|sort|limit|name|created_at|tag)=(in:|gt:)?[ -~é\u{1f600}]{0,24}&?){0,4}") {
        let params = Params::parse(Some(&query));
        let _ = image_query(&params, &ImageSettings::default());
        let _ = task_query(&params, &ImageSettings::default());
        let link = params.link("/v2/images", Some("x"));
        let again = Params::parse(link.split_once('?').map(|(_, query)| query));
        proptest::prop_assert_eq!(again.link("/v2/images", Some("x")), link);
    }

    /// Lists in quotes come back as they were put together.
    #[test]
    fn quoted_lists_round_trip(values in proptest::collection::vec("[a-z, é]{0,6}", 1..5)) {
        let list: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", &format!("in:{}", list.join(",")))
            .finish();
        proptest::prop_assert_eq!(filters(&query), vec![Filter::Name(Match::In(values))]);
    }
}

/// A filter and the pair of the query that asks for it.
fn written() -> impl proptest::strategy::Strategy<Value = ((String, String), Filter)> {
    use proptest::prelude::*;
    let text = "[a-zA-Z0-9 ,é&=%+_-]{1,12}";
    let named = |name: &'static str, filter: fn(Match) -> Filter| {
        let one = text.prop_map(move |value| ((name.to_owned(), value.clone()), filter(Match::Eq(value))));
        let several = prop::collection::vec(text, 1..4).prop_map(move |values| {
            let quoted: Vec<_> = values.iter().map(|value| format!("\"{value}\"")).collect();
            ((name.to_owned(), format!("in:{}", quoted.join(","))), filter(Match::In(values)))
        });
        prop_oneof![one, several]
    };
    let fields = [
        ("size", NumberField::Size),
        ("virtual_size", NumberField::VirtualSize),
        ("min_disk", NumberField::MinDisk),
        ("min_ram", NumberField::MinRam),
    ];
    let number = (prop::sample::select(fields.to_vec()), any::<i64>(), 0..3).prop_map(
        |((name, field), value, kind)| {
            let (suffix, filter) = match kind {
                0 => ("", Filter::Number(field, value)),
                1 => ("_min", Filter::Min(field, value)),
                _ => ("_max", Filter::Max(field, value)),
            };
            ((format!("{name}{suffix}"), value.to_string()), filter)
        },
    );
    let operators = [
        ("", TimeOp::Eq),
        ("eq:", TimeOp::Eq),
        ("neq:", TimeOp::Neq),
        ("gt:", TimeOp::Gt),
        ("gte:", TimeOp::Gte),
        ("lt:", TimeOp::Lt),
        ("lte:", TimeOp::Lte),
    ];
    let moment = (prop::sample::select(operators.to_vec()), 0..4_000_000_000_i64, any::<bool>());
    let moment = moment.prop_map(|((operator, op), seconds, created)| {
        let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let name = if created { "created_at" } else { "updated_at" };
        let filter = if created { Filter::CreatedAt(op, time) } else { Filter::UpdatedAt(op, time) };
        ((name.to_owned(), format!("{operator}{}", time.format("%Y-%m-%dT%H:%M:%SZ"))), filter)
    });
    let property = ("x_[a-z:]{1,8}q", ".{0,12}")
        .prop_map(|(name, value)| ((name.clone(), value.clone()), Filter::Property(name, value)));
    let tag = text.prop_map(|tag| (("tag".to_owned(), tag.clone()), Filter::Tag(tag.trim().to_owned())));
    prop_oneof![
        named("name", Filter::Name),
        named("id", Filter::Id),
        named("status", Filter::Status),
        named("disk_format", Filter::DiskFormat),
        named("container_format", Filter::ContainerFormat),
        number,
        moment,
        property,
        tag,
    ]
}

proptest::proptest! {
    /// Whatever can be asked for, written as clients write it, is what is understood.
    #[test]
    fn filters_round_trip(wanted in proptest::collection::vec(written(), 0..6)) {
        let mut names = std::collections::BTreeSet::new();
        let wanted: Vec<_> =
            wanted.into_iter().filter(|((name, _), _)| name == "tag" || names.insert(name.clone())).collect();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(wanted.iter().map(|(pair, _)| pair))
            .finish();
        let mut understood = filters(&query);
        for (_, filter) in wanted {
            let at = understood.iter().position(|one| *one == filter);
            proptest::prop_assert!(at.is_some(), "{filter:?} is not in {understood:?}");
            understood.swap_remove(at.unwrap());
        }
        proptest::prop_assert_eq!(understood, vec![]);
    }
}
