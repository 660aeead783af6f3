// SPDX-License-Identifier: Apache-2.0
//! The image crate's port for metadata definitions on top of Glance's tables.

mod list;
mod load;
mod parts;
mod read;
mod told;
mod write;

use async_trait::async_trait;
use scurry_image::metadef::{Association, Contents, Item, Namespace, NamespaceQuery, Part, ResourceType};
use scurry_image::ports::{Existing, Loaded, MetadefOutcome, MetadefRepository, RepositoryError, Viewer};

use crate::connection::Database;
use crate::images::failed;
use crate::retry::again;

#[async_trait]
impl MetadefRepository for Database {
    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, RepositoryError> {
        let row = again!(read::row(&self.connection, name)).map_err(failed("read a namespace"))?;
        Ok(row.map(read::as_namespace))
    }

    async fn namespaces(
        &self,
        viewer: Viewer<'_>,
        query: &NamespaceQuery,
    ) -> Result<Option<Vec<(Namespace, Vec<Association>)>>, RepositoryError> {
        again!(list::page(&self.connection, viewer, query)).map_err(failed("list namespaces"))
    }

    async fn contents(&self, namespace: &str, parts: &[Part]) -> Result<Contents, RepositoryError> {
        again!(read::contents(&self.connection, namespace, parts))
            .map_err(failed("read a namespace's contents"))
    }

    async fn create_namespace(
        &self,
        namespace: &Namespace,
        contents: &Contents,
    ) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::create(self, namespace, contents)).map_err(failed("create a namespace"))
    }

    async fn change_namespace(
        &self,
        name: &str,
        namespace: &Namespace,
    ) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::change_namespace(self, name, namespace)).map_err(failed("change a namespace"))
    }

    async fn delete_namespace(&self, name: &str) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::delete(self, name)).map_err(failed("delete a namespace"))
    }

    async fn add(
        &self,
        namespace: &str,
        contents: &Contents,
        replace_tags: bool,
    ) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::add(self, namespace, contents, replace_tags)).map_err(failed("add to a namespace"))
    }

    async fn change(
        &self,
        namespace: &str,
        name: &str,
        item: &Item,
    ) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::change(self, namespace, name, item)).map_err(failed("change a namespace's content"))
    }

    async fn remove(
        &self,
        namespace: &str,
        part: Part,
        name: &str,
    ) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::remove(self, namespace, part, Some(name))).map_err(failed("remove from a namespace"))
    }

    async fn clear(&self, namespace: &str, part: Part) -> Result<MetadefOutcome, RepositoryError> {
        again!(write::remove(self, namespace, part, None)).map_err(failed("clear a namespace"))
    }

    async fn resource_types(&self) -> Result<Vec<ResourceType>, RepositoryError> {
        again!(read::resource_types(&self.connection)).map_err(failed("list resource types"))
    }

    async fn load(
        &self,
        namespace: &Namespace,
        contents: &Contents,
        existing: Existing,
    ) -> Result<Loaded, RepositoryError> {
        again!(load::load(self, namespace, contents, existing)).map_err(failed("load a definition"))
    }

    async fn unload(&self) -> Result<u64, RepositoryError> {
        again!(load::unload(self)).map_err(failed("remove all definitions"))
    }

    async fn export(&self) -> Result<Vec<(Namespace, Contents)>, RepositoryError> {
        again!(read::export(&self.connection)).map_err(failed("read all definitions"))
    }
}
