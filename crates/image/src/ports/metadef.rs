// SPDX-License-Identifier: Apache-2.0
//! The database of metadata definitions.

use std::fmt;

use async_trait::async_trait;

use super::{RepositoryError, Viewer};
use crate::metadef::{Association, Contents, Item, Namespace, NamespaceQuery, Part, ResourceType};

/// What became of a change of metadata definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadefOutcome {
    /// All of it was done.
    Done,
    /// There is no such namespace; nothing was done.
    NoNamespace,
    /// The namespace holds no such thing; nothing was done.
    NoItem,
    /// The namespace is protected; nothing was done.
    Protected,
    /// The namespace's name is taken; nothing was done.
    NamespaceTaken,
    /// A name in the namespace is taken; nothing was done.
    Taken(Part, String),
}

/// What loading a definition does with a namespace that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone.
    Skip,
    /// Add what it lacks.
    Complete,
    /// Add what it lacks and rewrite what it has.
    Update,
    /// Put the definition in its place.
    Replace,
}

/// What loading a definition did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The namespace is new.
    Created,
    /// It was there and was left alone.
    Skipped,
    /// It was there and was merged with the definition.
    Merged,
    /// It was there and was replaced.
    Replaced,
}

/// Metadata definitions. Every method is one transaction.
#[async_trait]
pub trait MetadefRepository: fmt::Debug + Send + Sync + 'static {
    /// A namespace, whoever may see it.
    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, RepositoryError>;

    /// A page of namespaces with their associations; `Ok(None)` when the marker is unknown to the viewer.
    async fn namespaces(
        &self,
        viewer: Viewer<'_>,
        query: &NamespaceQuery,
    ) -> Result<Option<Vec<(Namespace, Vec<Association>)>>, RepositoryError>;

    /// These parts of a namespace, oldest first; nothing when there is no such namespace.
    async fn contents(&self, namespace: &str, parts: &[Part]) -> Result<Contents, RepositoryError>;

    /// Adds a namespace with all it holds.
    async fn create_namespace(
        &self,
        namespace: &Namespace,
        contents: &Contents,
    ) -> Result<MetadefOutcome, RepositoryError>;

    /// Rewrites a namespace, its name too; what it holds stays.
    async fn change_namespace(
        &self,
        name: &str,
        namespace: &Namespace,
    ) -> Result<MetadefOutcome, RepositoryError>;

    /// Deletes a namespace with all it holds, unless it is protected.
    async fn delete_namespace(&self, name: &str) -> Result<MetadefOutcome, RepositoryError>;

    /// Adds to a namespace; with `replace_tags` its present tags go first.
    async fn add(
        &self,
        namespace: &str,
        contents: &Contents,
        replace_tags: bool,
    ) -> Result<MetadefOutcome, RepositoryError>;

    /// Rewrites the thing of that name, its name too.
    async fn change(
        &self,
        namespace: &str,
        name: &str,
        item: &Item,
    ) -> Result<MetadefOutcome, RepositoryError>;

    /// Removes a thing, unless the namespace is protected.
    async fn remove(
        &self,
        namespace: &str,
        part: Part,
        name: &str,
    ) -> Result<MetadefOutcome, RepositoryError>;

    /// Removes everything of a kind, unless the namespace is protected.
    async fn clear(&self, namespace: &str, part: Part) -> Result<MetadefOutcome, RepositoryError>;

    /// All resource types, oldest first.
    async fn resource_types(&self) -> Result<Vec<ResourceType>, RepositoryError>;

    /// Takes in an operator's definition.
    async fn load(
        &self,
        namespace: &Namespace,
        contents: &Contents,
        existing: Existing,
    ) -> Result<Loaded, RepositoryError>;

    /// Removes every definition and resource type; how many namespaces there were.
    async fn unload(&self) -> Result<u64, RepositoryError>;

    /// Every namespace with all it holds, oldest first.
    async fn export(&self) -> Result<Vec<(Namespace, Contents)>, RepositoryError>;
}
