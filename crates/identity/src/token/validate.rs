// SPDX-License-Identifier: Apache-2.0
//! What a token is worth now: its roles are those its user has at this moment, not those of when it was made.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::EXPIRED_WINDOW_MICROS;
use super::scope::Scope;
use crate::clock;
use crate::entity::{application_credential, application_credential_role, domain, role, token, user};
use crate::grant::{self, Implications, Target};
use crate::random;

/// A valid token and all that follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) digest: String,
    pub(crate) user: user::Model,
    pub(crate) user_domain: domain::Model,
    /// `None` for an unscoped token.
    pub(crate) scope: Option<Scope>,
    /// With the implied ones; by name.
    pub(crate) roles: Vec<role::Model>,
    pub(crate) methods: Vec<String>,
    pub(crate) audit_ids: Vec<String>,
    pub(crate) application_credential: Option<application_credential::Model>,
    /// Microseconds since 1970.
    pub(crate) issued_at: i64,
    /// Microseconds since 1970.
    pub(crate) expires_at: i64,
}

impl Access {
    pub(crate) fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }

    pub(crate) fn project_id(&self) -> Option<&str> {
        self.scope.as_ref().and_then(Scope::project_id)
    }
}

/// Looks a token up. `None` when it was never made, has ended or been revoked, or when its user, scope or roles are
/// no longer there. With `allow_expired` a token is good for two days more.
pub(crate) async fn validate(
    database: &impl ConnectionTrait,
    text: &str,
    allow_expired: bool,
) -> Result<Option<Access>, DbErr> {
    let Some(row) = token::Entity::find_by_id(random::digest(text)).one(database).await? else {
        return Ok(None);
    };
    let grace = if allow_expired { EXPIRED_WINDOW_MICROS } else { 0 };
    if row.expires_at.saturating_add(grace) <= clock::now() {
        return Ok(None);
    }
    let Some(user) = user::Entity::find_by_id(&row.user_id).one(database).await? else { return Ok(None) };
    if !user.enabled || user.token_epoch != row.user_epoch {
        return Ok(None);
    }
    let Some(user_domain) = domain::Entity::find_by_id(&user.domain_id).one(database).await? else {
        return Ok(None);
    };
    if !user_domain.enabled {
        return Ok(None);
    }
    let credential = match &row.application_credential_id {
        Some(id) => match application_credential::Entity::find_by_id(id).one(database).await? {
            Some(credential) => Some(credential),
            None => return Ok(None),
        },
        None => None,
    };
    let (mut scope, mut roles) = (None, Vec::new());
    if let Some(target) = target_of(&row) {
        let Some(loaded) = Scope::load(database, &target).await? else { return Ok(None) };
        roles = roles_of(database, &user.id, &loaded, credential.as_ref()).await?;
        if roles.is_empty() {
            return Ok(None);
        }
        scope = Some(loaded);
    }
    let mut audit_ids = vec![row.audit_id];
    audit_ids.extend(row.parent_audit_id);
    Ok(Some(Access {
        digest: row.digest,
        user,
        user_domain,
        scope,
        roles,
        methods: serde_json::from_value(row.methods).unwrap_or_default(),
        audit_ids,
        application_credential: credential,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
    }))
}

fn target_of(row: &token::Model) -> Option<Target> {
    match (&row.project_id, &row.domain_id) {
        (Some(project), _) => Some(Target::Project(project.clone())),
        (None, Some(domain)) => Some(Target::Domain(domain.clone())),
        (None, None) if row.is_system => Some(Target::System),
        (None, None) => None,
    }
}

/// The user's roles in the scope; through an application credential only those it hands on.
pub(crate) async fn roles_of(
    database: &impl ConnectionTrait,
    user_id: &str,
    scope: &Scope,
    credential: Option<&application_credential::Model>,
) -> Result<Vec<role::Model>, DbErr> {
    let mut ids = grant::effective_role_ids(database, user_id, &scope.target()).await?;
    if let Some(credential) = credential {
        let handed_on = application_credential_role::Entity::find()
            .filter(application_credential_role::Column::ApplicationCredentialId.eq(&credential.id))
            .all(database)
            .await?;
        let implications = Implications::load(database).await?;
        let handed_on = implications.expand(handed_on.into_iter().map(|row| row.role_id));
        ids = ids.intersection(&handed_on).cloned().collect::<BTreeSet<_>>();
    }
    grant::roles(database, ids).await
}
