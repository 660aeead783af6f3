// SPDX-License-Identifier: Apache-2.0
//! Resources as the API shows them: their own fields over whatever else a client stored with them.

use serde_json::{Map, Value};

/// The attributes of `extra`, then those of `own`, which win.
pub(super) fn with_extra(extra: Value, own: Value) -> Value {
    let mut shown = if let Value::Object(extra) = extra { extra } else { Map::new() };
    if let Value::Object(own) = own {
        shown.extend(own);
    }
    Value::Object(shown)
}
