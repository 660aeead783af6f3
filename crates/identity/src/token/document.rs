// SPDX-License-Identifier: Apache-2.0
//! A token as the API shows it.

use sea_orm::DbErr;
use serde_json::{Map, Value, json};

use super::scope::Scope;
use super::validate::Access;
use crate::catalog::{Substitutions, catalog};
use crate::clock;
use crate::service::Identity;

/// `{"token": {…}}`, with the catalog where the token has a scope and the catalog is wanted.
pub(crate) async fn document(
    service: &Identity,
    access: &Access,
    with_catalog: bool,
) -> Result<Value, DbErr> {
    let mut token = Map::new();
    token.insert("methods".into(), json!(access.methods));
    token.insert(
        "user".into(),
        json!({
            "domain": {"id": access.user_domain.id, "name": access.user_domain.name},
            "id": access.user.id,
            "name": access.user.name,
            "password_expires_at": null,
        }),
    );
    token.insert("audit_ids".into(), json!(access.audit_ids));
    token.insert("expires_at".into(), json!(clock::token_time(access.expires_at)));
    token.insert("issued_at".into(), json!(clock::token_time(access.issued_at)));
    match &access.scope {
        Some(Scope::Project { project, domain }) => {
            token.insert(
                "project".into(),
                json!({
                    "domain": {"id": domain.id, "name": domain.name},
                    "id": project.id,
                    "name": project.name,
                }),
            );
            token.insert("is_domain".into(), json!(false));
        }
        Some(Scope::Domain(domain)) => {
            token.insert("domain".into(), json!({"id": domain.id, "name": domain.name}));
        }
        Some(Scope::System) => {
            token.insert("system".into(), json!({"all": true}));
        }
        None => {}
    }
    if let Some(credential) = &access.application_credential {
        token.insert(
            "application_credential".into(),
            json!({
                "id": credential.id,
                "name": credential.name,
                "restricted": !credential.unrestricted,
            }),
        );
    }
    if access.scope.is_some() {
        let roles: Vec<Value> =
            access.roles.iter().map(|role| json!({"id": role.id, "name": role.name})).collect();
        token.insert("roles".into(), json!(roles));
        if with_catalog {
            let with = Substitutions { user_id: &access.user.id, project_id: access.project_id() };
            token.insert("catalog".into(), catalog(service.database(), &with).await?);
        }
    }
    Ok(json!({ "token": token }))
}
