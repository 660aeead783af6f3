// SPDX-License-Identifier: Apache-2.0
//! Making a token for a user who has proven who they are.

use sea_orm::{EntityTrait, Set, SqlErr};
use serde_json::{Value, json};

use super::authenticate::{Principal, authenticate};
use super::scope::{Requested, Scope, requested};
use super::validate::{Access, roles_of};
use crate::entity::token;
use crate::grant::Target;
use crate::http::ApiError;
use crate::service::Identity;
use crate::{clock, random};

/// Answers `POST /v3/auth/tokens`: the token's text, and what it is worth.
pub(crate) async fn issue(service: &Identity, auth: &Value) -> Result<(String, Access), ApiError> {
    let identity = auth
        .get("identity")
        .ok_or_else(|| ApiError::BadRequest("'identity' is a required property".to_owned()))?;
    let principal = authenticate(service, identity).await?;
    let wanted = requested(service.database(), auth.get("scope")).await?;
    let scope = grantable(service, &principal, wanted).await?;
    store(service, principal, scope).await
}

/// The scope asked for with the user's roles in it; without any role there is no token.
async fn grantable(
    service: &Identity,
    principal: &Principal,
    wanted: Requested,
) -> Result<Option<Scope>, ApiError> {
    let database = service.database();
    if let Some(credential) = &principal.application_credential {
        let own = Target::Project(credential.project_id.clone());
        if !matches!(&wanted, Requested::Default)
            && !matches!(&wanted, Requested::Target(target) if *target == own)
        {
            return Err(ApiError::Unauthorized);
        }
        return require(Scope::load(database, &own).await?);
    }
    match wanted {
        Requested::Unscoped => Ok(None),
        Requested::Unknown => Err(ApiError::Unauthorized),
        Requested::Target(target) => require(Scope::load(database, &target).await?),
        Requested::Default => default_scope(service, principal).await,
    }
}

fn require(scope: Option<Scope>) -> Result<Option<Scope>, ApiError> {
    scope.map(Some).ok_or(ApiError::Unauthorized)
}

/// The user's default project, if they can use it; a token turned into another one does not look for it.
async fn default_scope(service: &Identity, principal: &Principal) -> Result<Option<Scope>, ApiError> {
    let (Some(project), None) = (&principal.user.default_project_id, &principal.parent) else {
        return Ok(None);
    };
    let target = Target::Project(project.clone());
    let scope = Scope::load(service.database(), &target).await?;
    match scope {
        Some(scope) if !roles_of(service.database(), &principal.user.id, &scope, None).await?.is_empty() => {
            Ok(Some(scope))
        }
        _ => Ok(None),
    }
}

async fn store(
    service: &Identity,
    principal: Principal,
    scope: Option<Scope>,
) -> Result<(String, Access), ApiError> {
    let database = service.database();
    let credential = principal.application_credential;
    let roles = match &scope {
        Some(scope) => roles_of(database, &principal.user.id, scope, credential.as_ref()).await?,
        None => Vec::new(),
    };
    if scope.is_some() && roles.is_empty() {
        tracing::warn!(user = principal.user.id, "authentication failed: the user has no role in the scope");
        return Err(ApiError::Unauthorized);
    }
    let issued_at = clock::now();
    let lifetime = i64::try_from(service.config().token_lifetime.as_micros()).unwrap_or(i64::MAX / 4);
    let ends = [
        Some(issued_at.saturating_add(lifetime)),
        principal.parent.as_ref().map(|parent| parent.expires_at),
        credential.as_ref().and_then(|credential| credential.expires_at),
    ];
    let expires_at = ends.into_iter().flatten().min().unwrap_or(issued_at);
    let text = random::secret();
    let digest = random::digest(&text);
    let target = scope.as_ref().map(Scope::target);
    let parent_audit_id =
        principal.parent.as_ref().map(|parent| parent.audit_ids.last().cloned().unwrap_or_default());
    let audit_id = random::audit_id();
    let row = token::ActiveModel {
        digest: Set(digest.clone()),
        user_id: Set(principal.user.id.clone()),
        // As it was when the user was proven: a password changed since then ends this token at once.
        user_epoch: Set(principal.user.token_epoch),
        audit_id: Set(audit_id.clone()),
        parent_audit_id: Set(parent_audit_id.clone()),
        methods: Set(json!(principal.methods)),
        is_system: Set(target == Some(Target::System)),
        project_id: Set(target.as_ref().and_then(Target::project_id)),
        domain_id: Set(target.as_ref().and_then(Target::domain_id)),
        application_credential_id: Set(credential.as_ref().map(|credential| credential.id.clone())),
        issued_at: Set(issued_at),
        expires_at: Set(expires_at),
    };
    match token::Entity::insert(row).exec_without_returning(database).await {
        Ok(_) => {}
        // The user, project or credential was deleted meanwhile.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))) => {
            return Err(ApiError::Unauthorized);
        }
        Err(error) => return Err(error.into()),
    }
    let mut audit_ids = vec![audit_id];
    audit_ids.extend(parent_audit_id);
    let access = Access {
        digest,
        user: principal.user,
        user_domain: principal.domain,
        scope,
        roles,
        methods: principal.methods,
        audit_ids,
        application_credential: credential,
        issued_at,
        expires_at,
    };
    Ok((text, access))
}
