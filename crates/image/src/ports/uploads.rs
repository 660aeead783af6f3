// SPDX-License-Identifier: Apache-2.0
//! The books of uploads that can be gone on with: how far each is, and who appends to it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_types::{ImageId, StoreId};

use super::RepositoryError;

/// An upload that may come in several requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSession {
    /// Its id.
    pub id: String,
    /// The image; it has one session at most.
    pub image: ImageId,
    /// Its row in the journal of writes, which knows the object's url.
    pub write: String,
    /// The store that is written.
    pub store: StoreId,
    /// Bytes of the whole image, once the client has said so.
    pub declared_len: Option<u64>,
    /// Bytes of the image that are durable and need not be sent again.
    pub offset: u64,
    /// State of the transfer at `offset`; none at the beginning.
    pub checkpoint: Option<Vec<u8>>,
    /// The image has its data; the session is only kept for a client that missed the answer.
    pub complete: bool,
    /// Whoever appends now.
    pub holder: Option<Holder>,
    /// When something last happened to it.
    pub touched_at: DateTime<Utc>,
}

impl UploadSession {
    /// One at its beginning, held by nobody.
    #[must_use]
    pub fn begin(image: &ImageId, write: &str, store: &StoreId, declared_len: Option<u64>) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            image: image.clone(),
            write: write.to_owned(),
            store: store.clone(),
            declared_len,
            offset: 0,
            checkpoint: None,
            complete: false,
            holder: None,
            touched_at: Utc::now(),
        }
    }

    /// What a holder shows.
    #[must_use]
    pub fn held_by(&self, holder: &Holder) -> Hold {
        Hold { session: self.id.clone(), holder: holder.id.clone() }
    }

    /// Whether somebody appends to it.
    #[must_use]
    pub fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.until > now)
    }
}

/// One request that appends, or looks, or cancels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub id: String,
    /// The node it runs on.
    pub node: String,
    /// When its lease ends, unless it is renewed.
    pub until: DateTime<Utc>,
}

/// Proof that a session is held: what is changed with it is changed only while that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The session.
    pub session: String,
    /// The holder.
    pub holder: String,
}

/// How an attempt to hold a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is held now; its journal row is this node's.
    Held(Box<UploadSession>),
    /// Somebody else holds it, and will hear that it is wanted.
    Busy,
    /// There is none.
    Gone,
}

/// What a holder hears when it renews its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Nobody else wants the session.
    Kept,
    /// The lease is renewed, but somebody wants the session: it is to be released soon.
    Wanted,
    /// The session is somebody else's, or gone.
    Lost,
}

/// The books. Every method is one transaction.
#[async_trait]
pub trait UploadSessions: Send + Sync {
    /// The session of an image.
    async fn upload_session(&self, image: &ImageId) -> Result<Option<UploadSession>, RepositoryError>;

    /// Takes hold of an image's session that is not held, or whose lease has run out at `now`.
    async fn claim_session(
        &self,
        image: &ImageId,
        holder: &Holder,
        now: DateTime<Utc>,
    ) -> Result<Claim, RepositoryError>;

    /// Makes the lease last longer.
    async fn renew_session(&self, hold: &Hold, until: DateTime<Utc>) -> Result<Renewal, RepositoryError>;

    /// Notes the length the client now says; `false` when the session is not held any more.
    async fn declare_session(&self, hold: &Hold, len: u64) -> Result<bool, RepositoryError>;

    /// Notes how far it is; `false` when the session is not held any more.
    async fn keep_session(
        &self,
        hold: &Hold,
        offset: u64,
        checkpoint: &[u8],
    ) -> Result<bool, RepositoryError>;

    /// Lets go of it.
    async fn release_session(&self, hold: &Hold) -> Result<(), RepositoryError>;

    /// Forgets it without touching its image; `false` when it is not held any more.
    async fn forget_session(&self, hold: &Hold) -> Result<bool, RepositoryError>;

    /// Lets go of all sessions that requests of an earlier life of this node held.
    async fn release_sessions_of(&self, node: &str) -> Result<(), RepositoryError>;

    /// Images whose session nobody has touched since, held ones excepted.
    async fn idle_sessions(&self, since: DateTime<Utc>) -> Result<Vec<ImageId>, RepositoryError>;
}
