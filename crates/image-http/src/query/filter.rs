// SPDX-License-Identifier: Apache-2.0
//! Filters of the image list. A name that is no column of an image filters on an additional property.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use scurry_image::{Filter, Match, MemberStatusFilter, NumberField, TimeOp, VisibilityFilter};

use super::Params;
use crate::error::ApiError;

/// All conditions of a query.
pub(super) fn filters(params: &Params) -> Result<Vec<Filter>, ApiError> {
    let mut all = vec![member_status(params.first("member_status").unwrap_or("accepted"))?];
    all.extend(params.all("tag").map(|tag| Filter::Tag(tag.trim().to_owned())));
    for (name, value) in params.last_values() {
        match name {
            "limit" | "marker" | "member_status" | "tag" | "sort" | "sort_key" | "sort_dir" | "deleted" => {}
            _ => all.extend(one(name, value)?),
        }
    }
    Ok(all)
}

fn member_status(text: &str) -> Result<Filter, ApiError> {
    if text == "all" {
        return Ok(Filter::MemberStatus(MemberStatusFilter::All));
    }
    let status = text.parse().map_err(|_| ApiError::bad_request(format!("Invalid status: {text}")))?;
    Ok(Filter::MemberStatus(MemberStatusFilter::Is(status)))
}

fn one(name: &str, value: &str) -> Result<Option<Filter>, ApiError> {
    let text = || value.to_owned();
    Ok(Some(match name {
        // No image has it, and Glance looks for it all the same.
        "visibility" if value.is_empty() => Filter::Nothing,
        "visibility" => visibility(value)?,
        "changes-since" if value.is_empty() => return Ok(None),
        "changes-since" => {
            return Err(ApiError::bad_request("The \"changes-since\" filter is no longer available on v2."));
        }
        "os_hidden" => Filter::OsHidden(boolean(name, &value.to_lowercase())?),
        "protected" => Filter::Protected(boolean(name, value)?),
        "name" => Filter::Name(matching(value)?),
        "id" => Filter::Id(matching(value)?),
        "status" => Filter::Status(matching(value)?),
        "container_format" => Filter::ContainerFormat(matching(value)?),
        "disk_format" => Filter::DiskFormat(matching(value)?),
        "owner" => Filter::Owner(text()),
        "checksum" => Filter::Checksum(text()),
        "os_hash_algo" => Filter::OsHashAlgo(text()),
        "os_hash_value" => Filter::OsHashValue(text()),
        "created_at" => {
            let (op, time) = moment(name, value)?;
            Filter::CreatedAt(op, time)
        }
        "updated_at" => {
            let (op, time) = moment(name, value)?;
            Filter::UpdatedAt(op, time)
        }
        "deleted_at" => Filter::Nothing,
        _ => match (name.strip_suffix("_min"), name.strip_suffix("_max"), number_field(name)) {
            (Some(column), _, _) => bound(column, value, Filter::Min)?,
            (_, Some(column), _) => bound(column, value, Filter::Max)?,
            (_, _, Some(field)) => {
                value.trim().parse().map_or(Filter::Nothing, |number| Filter::Number(field, number))
            }
            _ => Filter::Property(name.to_owned(), text()),
        },
    }))
}

fn visibility(text: &str) -> Result<Filter, ApiError> {
    if text == "all" {
        return Ok(Filter::Visibility(VisibilityFilter::All));
    }
    let visibility =
        text.parse().map_err(|_| ApiError::bad_request(format!("Invalid visibility value: {text}")))?;
    Ok(Filter::Visibility(VisibilityFilter::Is(visibility)))
}

fn boolean(name: &str, text: &str) -> Result<bool, ApiError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(ApiError::bad_request(format!(
            "Invalid value '{other}' for '{name}' filter. Valid values are 'true' or 'false'."
        ))),
    }
}

fn number_field(name: &str) -> Option<NumberField> {
    match name {
        "size" => Some(NumberField::Size),
        "virtual_size" => Some(NumberField::VirtualSize),
        "min_disk" => Some(NumberField::MinDisk),
        "min_ram" => Some(NumberField::MinRam),
        _ => None,
    }
}

fn bound(column: &str, value: &str, filter: impl Fn(NumberField, i64) -> Filter) -> Result<Filter, ApiError> {
    let number = value
        .trim()
        .parse()
        .map_err(|_| ApiError::bad_request("Unable to filter on a range with a non-numeric value."))?;
    let field = number_field(column)
        .ok_or_else(|| ApiError::bad_request("Unable to filter using the specified range."))?;
    Ok(filter(field, number))
}

/// `in:a,"b,c"` or plain equality.
fn matching(expression: &str) -> Result<Match, ApiError> {
    match operator(expression) {
        ("eq", value) => Ok(Match::Eq(value.to_owned())),
        ("in", list) => quoted_list(list).map(Match::In),
        (other, _) => Err(ApiError::bad_request(format!("Unable to filter by unknown operator '{other}'."))),
    }
}

/// Splits `op:value`. A time has colons of its own and needs no operator.
fn operator(expression: &str) -> (&str, &str) {
    match expression.split_once(':') {
        Some((op, value)) if time(expression).is_none() => (op, value),
        _ => ("eq", expression),
    }
}

fn moment(name: &str, expression: &str) -> Result<(TimeOp, DateTime<Utc>), ApiError> {
    let (op, value) = operator(expression);
    let time = time(value).ok_or_else(|| {
        ApiError::bad_request(format!("Bad \"{name}\" query filter format. Use ISO 8601 DateTime notation."))
    })?;
    let op = match op {
        "eq" => TimeOp::Eq,
        "neq" => TimeOp::Neq,
        "gt" => TimeOp::Gt,
        "gte" => TimeOp::Gte,
        "lt" => TimeOp::Lt,
        "lte" => TimeOp::Lte,
        _ => return Err(ApiError::bad_request("Unable to filter on a unknown operator.")),
    };
    Ok((op, time))
}

/// ISO 8601: a date, or a date and a time, in UTC unless an offset follows.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y%m%dT%H%M%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.to_utc());
        }
    }
    let local = text.strip_suffix('Z').unwrap_or(text);
    for format in
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y%m%dT%H%M%S"]
    {
        if let Ok(time) = NaiveDateTime::parse_from_str(local, format) {
            return Some(time.and_utc());
        }
    }
    ["%Y-%m-%d", "%Y%m%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(local, format).ok())
        .map(|date| date.and_time(NaiveTime::MIN).and_utc())
}

/// Splits at commas outside double quotes; `\"` is a quote inside them.
fn quoted_list(text: &str) -> Result<Vec<String>, ApiError> {
    check_quotes(text)?;
    let mut values = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted).unwrap_or(quoted.len());
                (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (&rest[..end], &rest[end..])
            }
        };
        values.push(value.to_owned());
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Ok(values)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(index),
            _ => {}
        }
    }
    None
}

fn check_quotes(text: &str) -> Result<(), ApiError> {
    let refuse = |what: &str| Err(ApiError::bad_request(format!("Invalid filter value {text}. {what}")));
    let bytes = text.as_bytes();
    let mut open = false;
    for (index, byte) in bytes.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| bytes[index]);
        if *byte != b'"' || before == Some(b'\\') {
            continue;
        }
        if !open && before.is_some_and(|byte| byte != b',') {
            return refuse("There is no comma before opening quotation mark.");
        }
        if open && bytes.get(index + 1).is_some_and(|byte| *byte != b',') {
            return refuse("There is no comma after closing quotation mark.");
        }
        open = !open;
    }
    if open { refuse("The quote is not closed.") } else { Ok(()) }
}
