// SPDX-License-Identifier: Apache-2.0
//! What the purge takes and what it leaves.

use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use serde_json::json;

use super::{EXPIRED_WINDOW_MICROS, issue, purge, validate};
use crate::bootstrap::Bootstrap;
use crate::clock;
use crate::config::IdentityConfig;
use crate::entity::token;
use crate::service::Identity;

#[tokio::test]
async fn only_tokens_past_the_window_are_purged() {
    let directory = tempfile::tempdir().unwrap();
    let config = IdentityConfig::new(directory.path().join("identity.db"), "http://identity.test:5000");
    let identity = Identity::open(config).await.unwrap();
    let spec = Bootstrap { admin_password: "p".into(), region: "RegionOne".into(), ..Default::default() };
    identity.bootstrap(&spec).await.unwrap();
    let user = json!({"name": "admin", "domain": {"id": "default"}, "password": "p"});
    let auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
    let database = identity.database();
    let mut tokens = Vec::new();
    for age in [0, EXPIRED_WINDOW_MICROS / 2, EXPIRED_WINDOW_MICROS * 2] {
        let (text, access) = issue(&identity, &auth).await.unwrap();
        let expires_at = if age == 0 { access.expires_at } else { clock::now() - age };
        let row = token::ActiveModel {
            digest: Set(access.digest),
            expires_at: Set(expires_at),
            ..Default::default()
        };
        row.update(database).await.unwrap();
        tokens.push(text);
    }
    assert_eq!(purge(database).await.unwrap(), 1);
    assert_eq!(token::Entity::find().all(database).await.unwrap().len(), 2);
    assert!(validate(database, &tokens[0], false).await.unwrap().is_some());
    assert!(validate(database, &tokens[1], false).await.unwrap().is_none());
    assert!(validate(database, &tokens[1], true).await.unwrap().is_some());
    assert!(validate(database, &tokens[2], true).await.unwrap().is_none());
}
