// SPDX-License-Identifier: Apache-2.0
//! The use cases of metadata definitions.

use std::sync::Arc;

use super::item::{Association, Contents, Item, Object, Part, Property, ResourceType, Tag};
use super::page::page;
use super::query::{ItemQuery, ItemSortKey, NamespaceQuery};
use super::{Document, Namespace};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::ports::{Existing, Loaded, MetadefOutcome, MetadefRepository, Viewer};
use crate::query::Direction;

type Answer<T> = Result<T, ImageError>;

/// Metadata definitions. Clones share everything.
#[derive(Debug, Clone)]
pub struct Metadefs {
    repository: Arc<dyn MetadefRepository>,
}

impl Metadefs {
    /// On a database.
    #[must_use]
    pub fn new(repository: Arc<dyn MetadefRepository>) -> Self {
        Self { repository }
    }

    /// A namespace the caller may see; another one is as if it were not there.
    pub async fn namespace(&self, caller: &Caller, name: &str) -> Answer<Namespace> {
        let found = self.repository.namespace(name).await?.filter(|namespace| sees(caller, namespace));
        found.ok_or_else(|| no_namespace(name))
    }

    /// A page of the namespaces the caller may see.
    pub async fn namespaces(
        &self,
        caller: &Caller,
        query: &NamespaceQuery,
    ) -> Answer<Vec<(Namespace, Vec<Association>)>> {
        let project = caller.project.as_ref();
        let viewer = if caller.is_admin { Viewer::Admin { project } } else { Viewer::Project(project) };
        let page = self.repository.namespaces(viewer, query).await?;
        page.ok_or_else(|| no_namespace(query.marker.as_deref().unwrap_or_default()))
    }

    /// All that a namespace holds; objects by name and tags newest first, as Glance shows them.
    pub async fn contents(&self, namespace: &Namespace) -> Answer<Contents> {
        let mut contents = self.repository.contents(&namespace.name, &Part::ALL).await?;
        contents.objects.sort_by(|a, b| a.name.cmp(&b.name));
        let newest =
            ItemQuery { sort: Some((ItemSortKey::CreatedAt, Direction::Desc)), ..ItemQuery::default() };
        contents.tags = page(std::mem::take(&mut contents.tags), &newest).unwrap_or_default();
        Ok(contents)
    }

    /// Makes a namespace with all it holds, or nothing of it.
    pub async fn create(&self, namespace: &Namespace, contents: &Contents) -> Answer<()> {
        let outcome = self.repository.create_namespace(namespace, contents).await?;
        if outcome == MetadefOutcome::NamespaceTaken {
            let name = &namespace.name;
            return Err(ImageError::Conflict(format!(
                "The metadata definition namespace={name} already exists."
            )));
        }
        done(outcome, &namespace.name)
    }

    /// Rewrites a namespace.
    pub async fn change_namespace(&self, old: &Namespace, new: &Namespace) -> Answer<()> {
        done(self.repository.change_namespace(&old.name, new).await?, &new.name)
    }

    /// Deletes a namespace with all it holds.
    pub async fn delete(&self, namespace: &Namespace) -> Answer<()> {
        done(self.repository.delete_namespace(&namespace.name).await?, &namespace.name)
    }

    /// Adds to a namespace, all of it or nothing.
    pub async fn add(&self, namespace: &Namespace, contents: &Contents) -> Answer<()> {
        done(self.repository.add(&namespace.name, contents, false).await?, &namespace.name)
    }

    /// Puts tags into the place of those there are. No tags change nothing.
    pub async fn replace_tags(&self, namespace: &Namespace, tags: Vec<Tag>) -> Answer<()> {
        if tags.is_empty() {
            return Ok(());
        }
        let contents = Contents { tags, ..Contents::default() };
        done(self.repository.add(&namespace.name, &contents, true).await?, &namespace.name)
    }

    /// Rewrites what has that name.
    pub async fn change(&self, namespace: &Namespace, name: &str, item: &Item) -> Answer<()> {
        let part = item.part();
        match self.repository.change(&namespace.name, name, item).await? {
            MetadefOutcome::NoItem => Err(ImageError::NotFound(part.missing(name))),
            MetadefOutcome::Taken(part, name) => {
                Err(ImageError::Conflict(part.taken_by_change(&name, &namespace.name)))
            }
            other => done(other, &namespace.name),
        }
    }

    /// Removes what has that name.
    pub async fn remove(&self, namespace: &Namespace, part: Part, name: &str) -> Answer<()> {
        match self.repository.remove(&namespace.name, part, name).await? {
            MetadefOutcome::NoItem => Err(ImageError::NotFound(part.missing(name))),
            MetadefOutcome::Protected => Err(ImageError::Forbidden(part.protected(name))),
            other => done(other, &namespace.name),
        }
    }

    /// Removes everything of a kind.
    pub async fn clear(&self, namespace: &Namespace, part: Part) -> Answer<()> {
        done(self.repository.clear(&namespace.name, part).await?, &namespace.name)
    }

    /// A page of a namespace's objects.
    pub async fn objects(&self, namespace: &Namespace, query: &ItemQuery) -> Answer<Vec<Object>> {
        let objects = self.repository.contents(&namespace.name, &[Part::Objects]).await?.objects;
        page(objects, query).ok_or_else(|| no_marker(Part::Objects, query))
    }

    /// One object.
    pub async fn object(&self, namespace: &Namespace, name: &str) -> Answer<Object> {
        let objects = self.repository.contents(&namespace.name, &[Part::Objects]).await?.objects;
        objects
            .into_iter()
            .find(|object| object.name == name)
            .ok_or_else(|| ImageError::NotFound(Part::Objects.missing(name)))
    }

    /// A namespace's properties.
    pub async fn properties(&self, namespace: &Namespace) -> Answer<Vec<Property>> {
        Ok(self.repository.contents(&namespace.name, &[Part::Properties]).await?.properties)
    }

    /// One property.
    pub async fn property(&self, namespace: &Namespace, name: &str) -> Answer<Property> {
        let properties = self.properties(namespace).await?;
        properties
            .into_iter()
            .find(|property| property.name == name)
            .ok_or_else(|| ImageError::NotFound(Part::Properties.missing(name)))
    }

    /// A page of a namespace's tags.
    pub async fn tags(&self, namespace: &Namespace, query: &ItemQuery) -> Answer<Vec<Tag>> {
        let tags = self.repository.contents(&namespace.name, &[Part::Tags]).await?.tags;
        page(tags, query).ok_or_else(|| no_marker(Part::Tags, query))
    }

    /// One tag.
    pub async fn tag(&self, namespace: &Namespace, name: &str) -> Answer<Tag> {
        let tags = self.repository.contents(&namespace.name, &[Part::Tags]).await?.tags;
        tags.into_iter()
            .find(|tag| tag.name == name)
            .ok_or_else(|| ImageError::NotFound(Part::Tags.missing(name)))
    }

    /// The types of resources a namespace is meant for.
    pub async fn associations(&self, namespace: &Namespace) -> Answer<Vec<Association>> {
        Ok(self.repository.contents(&namespace.name, &[Part::Associations]).await?.associations)
    }

    /// All types of resources.
    pub async fn resource_types(&self) -> Answer<Vec<ResourceType>> {
        Ok(self.repository.resource_types().await?)
    }

    /// Takes in an operator's definition, all of it or nothing.
    pub async fn load(&self, document: &Document, existing: Existing) -> Answer<Loaded> {
        Ok(self.repository.load(&document.namespace, &document.contents, existing).await?)
    }

    /// Removes every definition; how many namespaces there were.
    pub async fn unload(&self) -> Answer<u64> {
        Ok(self.repository.unload().await?)
    }

    /// Every definition.
    pub async fn export(&self) -> Answer<Vec<Document>> {
        let all = self.repository.export().await?;
        Ok(all.into_iter().map(|(namespace, contents)| Document { namespace, contents }).collect())
    }
}

fn sees(caller: &Caller, namespace: &Namespace) -> bool {
    let own = caller.project.as_ref().is_some_and(|project| project.as_str() == namespace.owner);
    caller.is_admin || namespace.public || own
}

fn no_namespace(name: &str) -> ImageError {
    ImageError::NotFound(format!("Metadata definition namespace={name} was not found."))
}

fn no_marker(part: Part, query: &ItemQuery) -> ImageError {
    ImageError::NotFound(part.missing(query.marker.as_deref().unwrap_or_default()))
}

/// What is not done, in words; `namespace` is the name it has or would have.
fn done(outcome: MetadefOutcome, namespace: &str) -> Answer<()> {
    match outcome {
        MetadefOutcome::Done => Ok(()),
        MetadefOutcome::NoNamespace | MetadefOutcome::NoItem => Err(no_namespace(namespace)),
        MetadefOutcome::Protected => Err(ImageError::Forbidden(format!(
            "Metadata definition namespace {namespace} is protected and cannot be deleted."
        ))),
        MetadefOutcome::NamespaceTaken => Err(ImageError::Conflict(format!(
            "Invalid update. It would result in a duplicate metadata definition namespace with the same name of \
             {namespace}"
        ))),
        MetadefOutcome::Taken(part, name) => Err(ImageError::Conflict(part.taken(&name, namespace))),
    }
}
