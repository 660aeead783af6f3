// SPDX-License-Identifier: Apache-2.0
//! Query strings of lists: limit, marker, offset, sort keys, and links to the next page.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::fault::{Answer, Fault};

/// The most items of a page (Cinder's `osapi_max_limit`).
const MAX_LIMIT: usize = 1000;

/// A query string, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Query {
    /// Parses what follows the `?`.
    pub(crate) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The last value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// A key with a truth value, as oslo.utils reads it.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| truth(v) == Some(true))
    }
}

/// `true`, `1`, `yes`…; none for any other word.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// A JSON boolean, or a word that means one.
pub(crate) fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => truth(text),
        Value::Number(n) => match n.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// Which part of a list is asked for, and in which order.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    limit: usize,
    offset: usize,
    marker: Option<String>,
    sort: Vec<(String, Direction)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl Page {
    /// Reads and checks the paging keys of a query.
    pub(crate) fn of(query: &Query) -> Answer<Self> {
        let limit = match query.get("limit") {
            Some(text) => whole(text, "limit")?.min(MAX_LIMIT),
            None => MAX_LIMIT,
        };
        let offset = match query.get("offset") {
            Some(text) => whole(text, "offset")?,
            None => 0,
        };
        Ok(Self { limit, offset, marker: query.get("marker").map(str::to_owned), sort: sort(query)? })
    }

    /// Orders `items` and cuts the page out. `key` gives the value of a sort key, or none for an unknown key.
    /// `missing` is the fault of a marker that is not in the list.
    pub(crate) fn cut<T>(
        &self,
        mut items: Vec<T>,
        id: impl Fn(&T) -> &str,
        key: impl Fn(&T, &str) -> Option<Key>,
        missing: impl Fn(&str) -> Fault,
    ) -> Answer<Cut<T>> {
        if let Some(first) = items.first() {
            for (name, _) in &self.sort {
                if key(first, name).is_none() {
                    return Err(Fault::invalid_input("Sort key passed to the list is invalid."));
                }
            }
        }
        items.sort_by(|a, b| {
            for (name, direction) in &self.sort {
                let order = key(a, name).cmp(&key(b, name));
                let order = if *direction == Direction::Descending { order.reverse() } else { order };
                if order != Ordering::Equal {
                    return order;
                }
            }
            id(b).cmp(id(a))
        });
        let total = items.len();
        let start = match &self.marker {
            Some(marker) => {
                items.iter().position(|item| id(item) == marker).ok_or_else(|| missing(marker))? + 1
            }
            None => 0,
        };
        let items: Vec<T> = items.into_iter().skip(start + self.offset).take(self.limit).collect();
        let next = if items.len() == self.limit { items.last().map(|i| id(i).to_owned()) } else { None };
        Ok(Cut { items, next, total })
    }
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Cut<T> {
    pub(crate) items: Vec<T>,
    /// The marker of the next page, when this one is full.
    next: Option<String>,
    /// How many items the whole list has.
    pub(crate) total: usize,
}

impl<T> Cut<T> {
    /// The `…_links` of the list: none when this is the last page.
    pub(crate) fn links(&self, base: &str, query: &Query) -> Option<Value> {
        let marker = self.next.as_ref()?;
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in &query.0 {
            if key != "marker" && key != "offset" {
                next.append_pair(key, value);
            }
        }
        next.append_pair("marker", marker);
        Some(json!([{ "rel": "next", "href": format!("{base}?{}", next.finish()) }]))
    }
}

/// A value to sort by; absent values come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Absent,
    Number(i64),
    Text(String),
    Time(chrono::NaiveDateTime),
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<chrono::NaiveDateTime> for Key {
    fn from(time: chrono::NaiveDateTime) -> Self {
        Self::Time(time)
    }
}

impl<T: Into<Key>> From<Option<T>> for Key {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

fn whole(text: &str, name: &str) -> Answer<usize> {
    if text.starts_with('-') {
        return Err(Fault::bad_request(format!("{name} param must be positive")));
    }
    text.parse::<u32>()
        .map(|n| n as usize)
        .map_err(|_| Fault::bad_request(format!("{name} param must be an integer")))
}

fn sort(query: &Query) -> Answer<Vec<(String, Direction)>> {
    let mut keys = Vec::new();
    if let Some(sort) = query.get("sort") {
        if query.get("sort_key").is_some() || query.get("sort_dir").is_some() {
            return Err(Fault::bad_request(
                "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' \
                 parameter.",
            ));
        }
        for part in sort.split(',') {
            let (key, direction) = part.split_once(':').unwrap_or((part, "desc"));
            keys.push((column(key), way(direction)?));
        }
    } else {
        let key = query.get("sort_key").unwrap_or("created_at");
        keys.push((column(key), way(query.get("sort_dir").unwrap_or("desc"))?));
    }
    Ok(keys)
}

fn column(key: &str) -> String {
    match key.trim() {
        "display_name" => "name",
        key => key,
    }
    .to_owned()
}

fn way(direction: &str) -> Answer<Direction> {
    match direction.trim() {
        "asc" => Ok(Direction::Ascending),
        "desc" | "" => Ok(Direction::Descending),
        _ => Err(Fault::invalid_input("Unknown sort direction, must be 'desc' or 'asc'.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(query: &str, items: &[&'static str]) -> Result<(Vec<&'static str>, Option<String>), u16> {
        let query = Query::parse(query);
        let page = Page::of(&query).map_err(|f| f.status.as_u16())?;
        let cut = page
            .cut(
                items.to_vec(),
                |item| item,
                |item, key| (key == "name" || key == "created_at").then(|| Key::from(*item)),
                Fault::no_volume,
            )
            .map_err(|f| f.status.as_u16())?;
        let link = cut.links("http://x/volumes", &query).map(|v| v[0]["href"].as_str().unwrap().to_owned());
        Ok((cut.items, link))
    }

    #[test]
    fn pages_follow_each_other() {
        let (first, link) = cut("limit=2&sort=name:asc", &["b", "c", "a"]).unwrap();
        assert_eq!(first, ["a", "b"]);
        let link = link.unwrap();
        assert_eq!(link, "http://x/volumes?limit=2&sort=name%3Aasc&marker=b");
        let (second, link) = cut(link.split_once('?').unwrap().1, &["b", "c", "a"]).unwrap();
        assert_eq!(second, ["c"]);
        assert_eq!(link, None);
        assert_eq!(cut("offset=1&sort=name:asc", &["b", "c", "a"]).unwrap().0, ["b", "c"]);
        assert_eq!(cut("limit=0", &["a"]).unwrap().0, Vec::<&str>::new());
    }

    #[test]
    fn wrong_queries_are_refused() {
        assert_eq!(cut("limit=-1", &["a"]), Err(400));
        assert_eq!(cut("limit=many", &["a"]), Err(400));
        assert_eq!(cut("sort=name:up", &["a"]), Err(400));
        assert_eq!(cut("sort=colour", &["a"]), Err(400));
        assert_eq!(cut("marker=z", &["a"]), Err(404));
    }
}
