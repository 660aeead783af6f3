// SPDX-License-Identifier: Apache-2.0
//! Which section decides, what a grant means, and what is wrong in a file.

use rstest::rstest;

use super::*;
use crate::policy::glance;

fn policy() -> Policy {
    let mut policy = Policy::new(glance::DEFAULTS).unwrap();
    policy.set_rule("spl_creator", "role:spl").unwrap();
    policy
}

fn caller(roles: &[&str], service_roles: &[&str]) -> Context {
    let mut context = Context::internal_admin(None, "req-1");
    context.roles = roles.iter().map(|&role| role.to_owned()).collect();
    context.service_roles = service_roles.iter().map(|&role| role.to_owned()).collect();
    context
}

fn permitted(protections: &PropertyProtections, property: &str, context: &Context) -> String {
    let letters = ACTIONS.iter().zip("crud".chars());
    letters
        .filter(|((action, _), _)| protections.permit(*action, property, context, &policy()))
        .map(|(_, letter)| letter)
        .collect()
}

const ROLES: &str = "\
[^x_owner_.*]
create = admin,Owner
read = admin, owner
update: admin
delete = !
[os_glance.*]
create = !
read = !
update = !
delete = !
[x_]
create = @
read = @
update = @
delete =
";

#[rstest]
#[case("x_owner_a", &["owner"], &[], "cr")]
#[case("x_owner_a", &["OWNER"], &[], "cr")]
#[case("x_owner_a", &["admin"], &[], "cru")]
#[case("x_owner_a", &["member"], &[], "")]
#[case("x_owner_a", &["member"], &["owner"], "cr")]
#[case("in_the_x_middle", &[], &[], "cru")]
#[case("other", &["admin"], &[], "")]
#[case("os_glance_import_task", &[], &[], "crud")]
fn the_first_section_that_is_found_in_the_name_decides(
    #[case] property: &str,
    #[case] roles: &[&str],
    #[case] service_roles: &[&str],
    #[case] letters: &str,
) {
    let protections = read(ROLES, RuleFormat::Roles, &policy()).unwrap();
    assert_eq!(permitted(&protections, property, &caller(roles, service_roles)), letters);
}

#[test]
fn rules_of_the_policy_and_defaults() {
    let text = "[DEFAULT]\nread = @\ndelete = !\n[spl_.*]\ncreate = spl_creator\nupdate = context_is_admin\n";
    let protections = read(text, RuleFormat::Policies, &policy()).unwrap();
    assert_eq!(permitted(&protections, "spl_a", &caller(&["spl"], &[])), "cr");
    assert_eq!(permitted(&protections, "spl_a", &caller(&["admin"], &[])), "ru");
    assert_eq!(permitted(&protections, "spl_a", &caller(&["member"], &[])), "r");
}

#[rstest]
#[case("[a]\ncreate = x\nread = x\nupdate = x\n", RuleFormat::Roles, 1, "does not say who may delete")]
#[case("# rules\n[(]\n", RuleFormat::Roles, 2, "no regular expression")]
#[case("[a]\nread = @,!\ncreate = x\n", RuleFormat::Roles, 2, "exclude each other")]
#[case("[DEFAULT]\nread=x\ncreate=x\nupdate=x\ndelete=x\n[a]\n[b]\n[a]\n", RuleFormat::Roles, 8, "twice")]
#[case("[a]\ncreate = spl_creator, default\n", RuleFormat::Policies, 2, "several rules")]
#[case("[a]\ncreate = no_such_rule\n", RuleFormat::Policies, 2, "no policy rule no_such_rule")]
#[case("create = x\n", RuleFormat::Roles, 1, "before the first")]
fn what_is_wrong_is_told_with_its_line(
    #[case] text: &str,
    #[case] format: RuleFormat,
    #[case] line: usize,
    #[case] problem: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("protections.conf");
    std::fs::write(&path, text).unwrap();
    let error = PropertyProtections::load(&path, format, &policy()).unwrap_err().to_string();
    assert!(error.contains(&format!("protections.conf, line {line}: ")), "{error}");
    assert!(error.contains(problem), "{error}");
}

#[test]
fn a_missing_file_is_an_error() {
    let error = PropertyProtections::load(Path::new("/nowhere/x.conf"), RuleFormat::Roles, &policy());
    assert!(error.unwrap_err().to_string().contains("/nowhere/x.conf"));
}
