// SPDX-License-Identifier: Apache-2.0
//! Sharing images with other projects.

use chrono::{SubsecRound, Utc};
use scurry_types::{ImageId, MemberStatus, Visibility};

use super::core::Core;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::member::Member;
use crate::ports::Outcome;

fn no_member(id: &ImageId, member: &str) -> ImageError {
    ImageError::NotFound(format!("No member found with ID {member} for image {id}"))
}

impl Core {
    /// A shared image the caller may see; `action` completes "Not allowed to … image".
    async fn shared(&self, caller: &Caller, id: &ImageId, action: &str) -> Answer<Image> {
        let image = self.visible(caller, id).await?;
        if image.visibility == Visibility::Shared {
            return Ok(image);
        }
        Err(ImageError::Forbidden(format!(
            "Not allowed to {action} for image {id}: Only shared images have members."
        )))
    }

    async fn own_shared(&self, caller: &Caller, id: &ImageId, action: &str, rule: &str) -> Answer<Image> {
        let image = self.shared(caller, id, action).await?;
        if caller.owns(&image) {
            return Ok(image);
        }
        Err(ImageError::Forbidden(format!("You are not authorized to complete {rule} action.")))
    }

    /// Members see themselves, owners and administrators everybody.
    fn sees_member(caller: &Caller, image: &Image, member: &str) -> bool {
        caller.owns(image) || caller.project.as_ref().is_some_and(|project| project.as_str() == member)
    }
}

impl ImageService {
    /// Shares an image with a project, whose answer is pending at first.
    pub async fn add_member(&self, caller: &Caller, id: &ImageId, member: &str) -> Answer<Member> {
        self.core.own_shared(caller, id, "create members", "add_member").await?;
        let there = self.core.images.members(id).await?.len();
        Core::at_most("members for this image", there + 1, self.core.settings.quotas.members)?;
        let now = Utc::now().trunc_subsecs(6);
        let new = Member {
            image_id: id.clone(),
            member: member.to_owned(),
            status: MemberStatus::Pending,
            created_at: now,
            updated_at: now,
        };
        match self.core.images.add_member(&new).await? {
            Outcome::Done => Ok(new),
            Outcome::Taken | Outcome::Refused => Err(ImageError::Conflict(format!(
                "The target member {member} is already associated with image {id}."
            ))),
        }
    }

    /// Projects an image is shared with; a member sees only itself.
    pub async fn members(&self, caller: &Caller, id: &ImageId) -> Answer<Vec<Member>> {
        let image = self.core.shared(caller, id, "list members").await?;
        let mut members = self.core.images.members(id).await?;
        members.retain(|member| Core::sees_member(caller, &image, &member.member));
        Ok(members)
    }

    /// One project an image is shared with.
    pub async fn member(&self, caller: &Caller, id: &ImageId, member: &str) -> Answer<Member> {
        let image = self.core.shared(caller, id, "get members").await?;
        if !Core::sees_member(caller, &image, member) {
            return Err(no_member(id, member));
        }
        self.core.images.membership(id, member).await?.ok_or_else(|| no_member(id, member))
    }

    /// A project's answer to an image shared with it. The owner cannot answer for it.
    pub async fn set_member_status(
        &self,
        caller: &Caller,
        id: &ImageId,
        member: &str,
        status: MemberStatus,
    ) -> Answer<Member> {
        let image = self.core.shared(caller, id, "update members").await?;
        if !Core::sees_member(caller, &image, member) {
            return Err(no_member(id, member));
        }
        let itself = caller.project.as_ref().is_some_and(|project| project.as_str() == member);
        let known = self.core.images.membership(id, member).await?.ok_or_else(|| no_member(id, member))?;
        if !itself && !caller.is_admin {
            return Err(ImageError::Forbidden(
                "You are not authorized to complete modify_member action.".to_owned(),
            ));
        }
        if known.status != status && !self.core.images.set_member_status(id, member, status).await? {
            return Err(no_member(id, member));
        }
        self.core.images.membership(id, member).await?.ok_or_else(|| no_member(id, member))
    }

    /// Stops sharing an image with a project.
    pub async fn remove_member(&self, caller: &Caller, id: &ImageId, member: &str) -> Answer<()> {
        self.core.own_shared(caller, id, "delete members", "delete_member").await?;
        if self.core.images.remove_member(id, member).await? { Ok(()) } else { Err(no_member(id, member)) }
    }
}
