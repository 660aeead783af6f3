// SPDX-License-Identifier: Apache-2.0
//! Rows of the tables.

// The derive macros make public items, and those may not name less visible ones.
#![allow(unreachable_pub)]

/// A volume.
pub(crate) mod volume {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "volumes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub project_id: String,
        pub user_id: String,
        pub name: Option<String>,
        pub description: Option<String>,
        /// GiB.
        pub size: i64,
        /// The size a running resize leads to, GiB.
        pub target_size: Option<i64>,
        pub status: String,
        /// Where a resize or upload returns to; beside `creating`, what the volume was before an administrator said so.
        pub previous_status: Option<String>,
        pub attach_status: String,
        pub volume_type_id: String,
        /// `host@backend#pool`; none until the scheduler chose one.
        pub host: Option<String>,
        pub availability_zone: String,
        pub bootable: bool,
        pub multiattach: bool,
        pub source_volid: Option<String>,
        pub snapshot_id: Option<String>,
        pub image_id: Option<String>,
        pub replication_status: Option<String>,
        /// `host@backend#pool` of the second copy.
        pub replica_host: Option<String>,
        pub consumes_quota: bool,
        pub created_at: DateTime,
        pub updated_at: Option<DateTime>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A snapshot of a volume.
pub(crate) mod snapshot {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "snapshots")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub volume_id: String,
        pub project_id: String,
        pub user_id: String,
        pub name: Option<String>,
        pub description: Option<String>,
        pub size: i64,
        pub status: String,
        pub progress: String,
        pub volume_type_id: String,
        pub host: String,
        pub consumes_quota: bool,
        pub created_at: DateTime,
        pub updated_at: Option<DateTime>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An attachment of a volume.
pub(crate) mod attachment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "attachments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub volume_id: String,
        pub project_id: String,
        pub instance_uuid: Option<String>,
        pub attach_status: String,
        pub attach_mode: Option<String>,
        pub attached_host: Option<String>,
        pub mountpoint: Option<String>,
        /// JSON.
        pub connector: Option<String>,
        /// JSON.
        pub connection_info: Option<String>,
        pub attached_at: Option<DateTime>,
        pub detached_at: Option<DateTime>,
        pub created_at: DateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A volume type.
pub(crate) mod volume_type {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "volume_types")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        #[sea_orm(unique)]
        pub name: String,
        pub description: Option<String>,
        pub is_public: bool,
        pub created_at: DateTime,
        pub updated_at: Option<DateTime>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One key of a key/value set.
pub(crate) mod property {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "properties")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub space: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A limit of one project.
pub(crate) mod quota {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "quotas")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub resource: String,
        pub hard_limit: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A message to the user about something that went wrong after the request was answered.
pub(crate) mod message {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "messages")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub project_id: String,
        pub request_id: Option<String>,
        pub resource_type: Option<String>,
        pub resource_uuid: Option<String>,
        pub event_id: String,
        pub user_message: String,
        pub message_level: String,
        pub created_at: DateTime,
        pub expires_at: DateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A service an administrator took out of scheduling.
pub(crate) mod disabled_service {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "disabled_services")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub host: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub binary_name: String,
        pub reason: Option<String>,
        pub updated_at: DateTime,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
