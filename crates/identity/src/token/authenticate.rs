// SPDX-License-Identifier: Apache-2.0
//! The ways a user proves who they are: password, token, application credential.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value};

use super::scope::find_domain;
use super::validate::{Access, validate};
use crate::clock;
use crate::entity::{application_credential, domain, user};
use crate::http::ApiError;
use crate::password::MAX_PASSWORD_BYTES;
use crate::service::Identity;

/// Who asks for a token, proven.
#[derive(Debug)]
pub(crate) struct Principal {
    pub(crate) user: user::Model,
    pub(crate) domain: domain::Model,
    pub(crate) methods: Vec<String>,
    pub(crate) application_credential: Option<application_credential::Model>,
    /// The token given, when one was; the new one ends when it ends.
    pub(crate) parent: Option<Access>,
}

/// Proves each method that `identity` names; they must agree on the user.
pub(crate) async fn authenticate(service: &Identity, identity: &Value) -> Result<Principal, ApiError> {
    let methods = identity
        .get("methods")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::expecting("methods", "identity"))?;
    let mut proven: Option<Principal> = None;
    for method in methods {
        let method = method.as_str().ok_or_else(|| ApiError::expecting("methods", "identity"))?;
        let claim = identity
            .get(method)
            .and_then(Value::as_object)
            .ok_or_else(|| ApiError::expecting(method, "identity"))?;
        let principal = match method {
            "password" => password(service, claim).await?,
            "token" => token(service, claim).await?,
            "application_credential" => application_credential(service, claim).await?,
            _ => return Err(ApiError::Unauthorized),
        };
        proven = Some(match proven {
            None => principal,
            Some(first) => agree(first, principal)?,
        });
    }
    proven.ok_or(ApiError::Unauthorized)
}

fn agree(first: Principal, second: Principal) -> Result<Principal, ApiError> {
    let delegated = first.application_credential.is_some() || second.application_credential.is_some();
    if first.user.id != second.user.id || delegated {
        return Err(ApiError::Unauthorized);
    }
    let mut methods = first.methods;
    for method in second.methods {
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    Ok(Principal { methods, parent: first.parent.or(second.parent), ..second })
}

/// The user whom `{"id": …}` or `{"name": …, "domain": …}` names.
async fn find_user(service: &Identity, wanted: &Map<String, Value>) -> Result<Option<user::Model>, ApiError> {
    let database = service.database();
    if let Some(id) = wanted.get("id").and_then(Value::as_str) {
        return Ok(user::Entity::find_by_id(id).one(database).await?);
    }
    let name = wanted
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::expecting("id or name", "user"))?;
    let domain = wanted.get("domain").ok_or_else(|| ApiError::expecting("domain", "user"))?;
    let Some(domain) = find_domain(database, domain).await? else { return Ok(None) };
    Ok(user::Entity::find()
        .filter(user::Column::DomainId.eq(domain.id))
        .filter(user::Column::Name.eq(name))
        .one(database)
        .await?)
}

/// A user who is enabled, in a domain that is.
async fn usable(service: &Identity, user: user::Model) -> Result<(user::Model, domain::Model), ApiError> {
    let domain = domain::Entity::find_by_id(&user.domain_id).one(service.database()).await?;
    match domain {
        Some(domain) if domain.enabled && user.enabled => Ok((user, domain)),
        _ => {
            tracing::warn!(user = user.id, "authentication failed: the user or its domain is disabled");
            Err(ApiError::Unauthorized)
        }
    }
}

async fn password(service: &Identity, claim: &Map<String, Value>) -> Result<Principal, ApiError> {
    let wanted = claim
        .get("user")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::expecting("user", "password"))?;
    let password = wanted
        .get("password")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::expecting("password", "user"))?
        .to_owned();
    let found = find_user(service, wanted).await?;
    let user = verify_password(service, found, password).await?;
    let (user, domain) = usable(service, user).await?;
    Ok(Principal {
        user,
        domain,
        methods: vec!["password".into()],
        application_credential: None,
        parent: None,
    })
}

/// The user, if the password is theirs. An unknown user takes as long and answers the same.
pub(crate) async fn verify_password(
    service: &Identity,
    found: Option<user::Model>,
    password: String,
) -> Result<user::Model, ApiError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(ApiError::Unauthorized);
    }
    let hash = found.as_ref().and_then(|user| user.password_hash.clone());
    let matches = service.hashing().verify(password, hash).await?;
    match found {
        Some(user) if matches => Ok(user),
        Some(user) => {
            tracing::warn!(user = user.id, "authentication failed: wrong password");
            Err(ApiError::Unauthorized)
        }
        None => {
            tracing::warn!("authentication failed: no such user");
            Err(ApiError::Unauthorized)
        }
    }
}

async fn token(service: &Identity, claim: &Map<String, Value>) -> Result<Principal, ApiError> {
    let text = claim.get("id").and_then(Value::as_str).ok_or_else(|| ApiError::expecting("id", "token"))?;
    let access = validate(service.database(), text, false).await?.ok_or(ApiError::Unauthorized)?;
    if access.application_credential.is_some() {
        return Err(ApiError::denied(
            "a token of an application credential cannot be turned into another token",
        ));
    }
    let mut methods = vec!["token".to_owned()];
    methods.extend(access.methods.iter().filter(|method| *method != "token").cloned());
    Ok(Principal {
        user: access.user.clone(),
        domain: access.user_domain.clone(),
        methods,
        application_credential: None,
        parent: Some(access),
    })
}

async fn application_credential(
    service: &Identity,
    claim: &Map<String, Value>,
) -> Result<Principal, ApiError> {
    use application_credential::{Column, Entity};
    let database = service.database();
    let text = |key| claim.get(key).and_then(Value::as_str);
    let secret =
        text("secret").ok_or_else(|| ApiError::expecting("secret", "application_credential"))?.to_owned();
    let found = if let Some(id) = text("id") {
        Entity::find_by_id(id).one(database).await?
    } else {
        let name = text("name")
            .ok_or_else(|| ApiError::expecting("id or name", "application_credential"))?
            .to_owned();
        let wanted = claim
            .get("user")
            .and_then(Value::as_object)
            .ok_or_else(|| ApiError::expecting("user", "application_credential"))?;
        match find_user(service, wanted).await? {
            Some(user) => {
                Entity::find()
                    .filter(Column::UserId.eq(user.id))
                    .filter(Column::Name.eq(name))
                    .one(database)
                    .await?
            }
            None => None,
        }
    };
    if secret.len() > MAX_PASSWORD_BYTES {
        return Err(ApiError::Unauthorized);
    }
    let hash = found.as_ref().map(|row| row.secret_hash.clone());
    let matches = service.hashing().verify(secret, hash).await?;
    let Some(credential) = found.filter(|_| matches) else {
        tracing::warn!("authentication failed: no such application credential, or a wrong secret");
        return Err(ApiError::Unauthorized);
    };
    if credential.expires_at.is_some_and(|end| end <= clock::now()) {
        tracing::warn!(
            credential = credential.id,
            "authentication failed: the application credential has expired"
        );
        return Err(ApiError::Unauthorized);
    }
    let owner = user::Entity::find_by_id(&credential.user_id).one(database).await?;
    let (user, domain) = usable(service, owner.ok_or(ApiError::Unauthorized)?).await?;
    Ok(Principal {
        user,
        domain,
        methods: vec!["application_credential".into()],
        application_credential: Some(credential),
        parent: None,
    })
}
