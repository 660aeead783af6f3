// SPDX-License-Identifier: Apache-2.0
//! Rows of images.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "images")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: Option<String>,
    pub size: Option<i64>,
    pub status: String,
    pub disk_format: Option<String>,
    pub container_format: Option<String>,
    pub checksum: Option<String>,
    pub owner: Option<String>,
    pub min_disk: i32,
    pub min_ram: i32,
    pub protected: bool,
    pub virtual_size: Option<i64>,
    pub visibility: Visibility,
    pub os_hidden: bool,
    pub os_hash_algo: Option<String>,
    pub os_hash_value: Option<String>,
    pub created_at: Stamp,
    pub updated_at: Option<Stamp>,
    pub deleted_at: Option<Stamp>,
    pub deleted: bool,
}

/// `images.visibility`, a type of its own in PostgreSQL.
#[derive(Copy, Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "image_visibility")]
pub enum Visibility {
    #[sea_orm(string_value = "private")]
    Private,
    #[sea_orm(string_value = "public")]
    Public,
    #[sea_orm(string_value = "shared")]
    Shared,
    #[sea_orm(string_value = "community")]
    Community,
}

impl From<scurry_types::Visibility> for Visibility {
    fn from(visibility: scurry_types::Visibility) -> Self {
        match visibility {
            scurry_types::Visibility::Private => Self::Private,
            scurry_types::Visibility::Public => Self::Public,
            scurry_types::Visibility::Shared => Self::Shared,
            scurry_types::Visibility::Community => Self::Community,
        }
    }
}

/// A visibility to compare the column with, or to set it to.
pub(crate) fn visibility(visibility: scurry_types::Visibility) -> Expr {
    Expr::val(visibility.as_str()).as_enum(VisibilityEnum)
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
