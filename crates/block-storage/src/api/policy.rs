// SPDX-License-Identifier: Apache-2.0
//! Who may do what: the one table of rules.

/// Who passes a rule. An administrator passes every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever has a role in the project that owns the resource.
    Reader,
    /// Who has the role `member` (or `service`) in the project that owns the resource.
    Member,
    /// Administrators only.
    Admin,
}

/// Every rule, by Cinder's name of it.
pub(crate) const RULES: &[(&str, Who)] = &[
    ("volume:create", Who::Member),
    ("volume:create_from_image", Who::Member),
    ("volume:get", Who::Reader),
    ("volume:get_all", Who::Reader),
    ("volume:update", Who::Member),
    ("volume:delete", Who::Member),
    ("volume:force_delete", Who::Admin),
    ("volume:get_volume_metadata", Who::Reader),
    ("volume:create_volume_metadata", Who::Member),
    ("volume:update_volume_metadata", Who::Member),
    ("volume:delete_volume_metadata", Who::Member),
    ("volume_extension:volume_encryption_metadata", Who::Reader),
    ("volume:extend", Who::Member),
    ("volume:extend_attached_volume", Who::Member),
    ("volume:retype", Who::Member),
    ("volume:update_readonly_flag", Who::Member),
    ("volume_extension:volume_image_metadata:show", Who::Reader),
    ("volume_extension:volume_image_metadata:set", Who::Member),
    ("volume_extension:volume_image_metadata:remove", Who::Member),
    ("volume_extension:volume_actions:attach", Who::Member),
    ("volume_extension:volume_actions:detach", Who::Member),
    ("volume_extension:volume_actions:reserve", Who::Member),
    ("volume_extension:volume_actions:unreserve", Who::Member),
    ("volume_extension:volume_actions:begin_detaching", Who::Member),
    ("volume_extension:volume_actions:roll_detaching", Who::Member),
    ("volume_extension:volume_actions:initialize_connection", Who::Member),
    ("volume_extension:volume_actions:terminate_connection", Who::Member),
    ("volume_extension:volume_actions:upload_image", Who::Member),
    ("volume_extension:volume_actions:upload_public", Who::Admin),
    ("volume_extension:volume_admin_actions:reset_status", Who::Admin),
    ("volume_extension:volume_admin_actions:force_delete", Who::Admin),
    ("volume_extension:scurry_shrink", Who::Member),
    ("volume:attachment_create", Who::Member),
    ("volume:attachment_update", Who::Member),
    ("volume:attachment_delete", Who::Member),
    ("volume:attachment_complete", Who::Member),
    ("volume:attachment_get", Who::Reader),
    ("volume:create_snapshot", Who::Member),
    ("volume:get_snapshot", Who::Reader),
    ("volume:get_all_snapshots", Who::Reader),
    ("volume:update_snapshot", Who::Member),
    ("volume:delete_snapshot", Who::Member),
    ("volume:get_snapshot_metadata", Who::Reader),
    ("volume:update_snapshot_metadata", Who::Member),
    ("volume:delete_snapshot_metadata", Who::Member),
    ("volume_extension:snapshot_admin_actions:reset_status", Who::Admin),
    ("volume_extension:snapshot_admin_actions:force_delete", Who::Admin),
    ("volume_extension:type_get", Who::Reader),
    ("volume_extension:type_get_all", Who::Reader),
    ("volume_extension:type_create", Who::Admin),
    ("volume_extension:type_update", Who::Admin),
    ("volume_extension:type_delete", Who::Admin),
    ("volume_extension:volume_type_encryption:get", Who::Admin),
    ("volume_extension:types_extra_specs:index", Who::Reader),
    ("volume_extension:types_extra_specs:show", Who::Reader),
    ("volume_extension:types_extra_specs:create", Who::Admin),
    ("volume_extension:types_extra_specs:update", Who::Admin),
    ("volume_extension:types_extra_specs:delete", Who::Admin),
    ("volume_extension:volume_type_access:get_all_for_type", Who::Admin),
    ("volume_extension:volume_type_access:add_project_access", Who::Admin),
    ("volume_extension:volume_type_access:remove_project_access", Who::Admin),
    ("volume_extension:services:index", Who::Admin),
    ("volume_extension:services:update", Who::Admin),
    ("volume_extension:hosts", Who::Admin),
    ("volume_extension:quotas:show", Who::Reader),
    ("volume_extension:quotas:update", Who::Admin),
    ("volume_extension:quotas:delete", Who::Admin),
    ("volume_extension:availability_zone_list", Who::Reader),
    ("volume_extension:list_extensions", Who::Reader),
    ("scheduler_extension:scheduler_stats:get_pools", Who::Admin),
    ("volume_extension:capabilities", Who::Admin),
    ("limits_extension:used_limits", Who::Reader),
    ("message:get_all", Who::Reader),
    ("message:get", Who::Reader),
    ("message:delete", Who::Member),
    ("clusters:get_all", Who::Admin),
    ("backup:get_all", Who::Reader),
    ("group:get_all", Who::Reader),
    ("group:get_all_group_snapshots", Who::Reader),
    ("volume:get_all_transfers", Who::Reader),
    ("volume_extension:qos_specs_manage:get_all", Who::Admin),
];

/// Who passes `rule`. A rule that is not in the table is the administrator's alone.
pub(crate) fn who(rule: &str) -> Who {
    RULES.iter().find(|(name, _)| *name == rule).map_or(Who::Admin, |(_, who)| *who)
}

/// May somebody with these roles? `owner`: the resource belongs to the caller's project.
pub(crate) fn allows(rule: &str, roles: &[String], is_admin: bool, owner: bool) -> bool {
    let has = |role: &str| roles.iter().any(|r| r.eq_ignore_ascii_case(role));
    if is_admin {
        return true;
    }
    match who(rule) {
        Who::Reader => owner && (has("reader") || has("member") || has("service")),
        Who::Member => owner && (has("member") || has("service")),
        Who::Admin => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_is_named_twice() {
        let mut names: Vec<_> = RULES.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn each_rule_lets_in_who_it_names_and_nobody_below() {
        let roles = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (rule, who) in RULES {
            assert!(allows(rule, &roles(&["admin"]), true, false), "{rule}: admin");
            assert!(!allows(rule, &roles(&[]), false, true), "{rule}: no role");
            assert!(!allows(rule, &roles(&["member", "reader"]), false, false), "{rule}: other project");
            let reader = allows(rule, &roles(&["reader"]), false, true);
            let member = allows(rule, &roles(&["member"]), false, true);
            assert_eq!(reader, *who == Who::Reader, "{rule}: reader");
            assert_eq!(member, matches!(who, Who::Reader | Who::Member), "{rule}: member");
        }
    }
}
