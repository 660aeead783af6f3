// SPDX-License-Identifier: Apache-2.0
//! Schema of an image's member.

use scurry_types::MemberStatus;
use serde_json::{Value, json};

use super::UUID;

pub(super) fn schema() -> Value {
    let states: Vec<_> = MemberStatus::ALL.iter().map(|status| status.as_str()).collect();
    json!({
        "name": "member",
        "properties": {
            "member_id": {"type": "string", "description": "Project the image is shared with"},
            "image_id": {"type": "string", "description": "UUID of the image", "pattern": UUID},
            "created_at": {"type": "string", "description": "When the image was shared"},
            "updated_at": {"type": "string", "description": "When the membership last changed"},
            "status": {"type": "string", "description": "What the member made of the offer", "enum": states},
            "schema": {"readOnly": true, "type": "string"},
        },
    })
}
