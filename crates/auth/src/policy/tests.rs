// SPDX-License-Identifier: Apache-2.0
//! Tests of the rules language and of the shipped rules.

use rstest::rstest;
use scurry_types::{ProjectId, UserId};

use super::*;

/// A caller of project `p1` with these roles.
fn caller(roles: &[&str]) -> Context {
    let mut context = Context::internal_admin(Some(ProjectId::new("p1")), "req-1");
    context.user_id = UserId::new("u1");
    context.roles = roles.iter().map(|role| (*role).to_owned()).collect();
    context.is_admin = roles.contains(&"admin");
    context
}

fn target() -> Target {
    Target::new()
        .with("project_id", "p1")
        .with("owner", "p1")
        .with("visibility", "private")
        .with("user.name", "ann")
}

fn holds(rule: &str, roles: &[&str]) -> bool {
    let mut policy = Policy::new(&[]).unwrap();
    policy.set_rule("admins", "role:admin").unwrap();
    policy.set_rule("tested", rule).unwrap();
    policy.check("tested", &caller(roles), &target())
}

#[rstest]
#[case("", true)]
#[case("@", true)]
#[case("!", false)]
#[case("not !", true)]
#[case("not not @", true)]
#[case("role:member", true)]
#[case("role:MEMBER", true)]
#[case("role:admin", false)]
#[case("rule:admins", false)]
#[case("rule:admins or role:member", true)]
#[case("role:member and rule:admins", false)]
#[case("role:member AND NOT rule:admins", true)]
#[case("@ or ! and !", true)]
#[case("(@ or !) and !", false)]
#[case("! and ! or @", true)]
#[case("not @ or @", true)]
#[case("not (@ or @)", false)]
#[case("((role:member))", true)]
#[case("project_id:%(project_id)s", true)]
#[case("tenant:%(owner)s", true)]
#[case("project_id:p1", true)]
#[case("project_id:p2", false)]
#[case("user_id:u%(missing)s", false)]
#[case("user_id:%(missing)s", false)]
#[case("nothing:%(owner)s", false)]
#[case("domain_id:None", false)]
#[case("'private':%(visibility)s", true)]
#[case("\"public\":%(visibility)s", false)]
#[case("'ann':%(user.name)s", true)]
#[case("None:%(missing)s", false)]
#[case("is_admin:False", true)]
#[case("is_admin:True", false)]
#[case("service_roles:service", false)]
#[case("roles:member", true)]
#[case("rule:absent", false)]
fn rules_hold(#[case] rule: &str, #[case] wanted: bool) {
    assert_eq!(holds(rule, &["reader", "member"]), wanted, "{rule}");
}

#[rstest]
#[case("role")]
#[case("role:admin role:member")]
#[case("role:admin or")]
#[case("and role:admin")]
#[case("(role:admin")]
#[case("role:admin)")]
#[case("()")]
#[case("not")]
#[case("'public:%(visibility)s")]
#[case("project_id:%(project_id)")]
#[case("project_id:%(project_id")]
#[case("project_id:%s")]
#[case("http://policy.example/check")]
#[case(":x")]
fn wrong_rules_are_refused_by_name(#[case] rule: &str) {
    let error = Policy::new(&[]).unwrap().set_rule("get_image", rule).unwrap_err();
    assert!(error.to_string().contains("get_image"), "{error}");
}

#[test]
fn nesting_has_an_end() {
    let mut policy = Policy::new(&[]).unwrap();
    let deep = format!("{}@{}", "(".repeat(5000), ")".repeat(5000));
    assert!(policy.set_rule("deep", &deep).is_err());
    assert!(policy.set_rule("nots", &format!("{} @", "not ".repeat(5000))).is_err());
    policy.set_rule("a", "rule:b").unwrap();
    policy.set_rule("b", "rule:a").unwrap();
    assert!(!policy.check("a", &caller(&["admin"]), &target()));
}

#[test]
fn a_rule_that_is_not_there_is_the_default() {
    let mut policy = Policy::new(&[]).unwrap();
    assert!(!policy.check("new_thing", &caller(&["admin"]), &target()));
    policy.set_rule("default", "role:admin").unwrap();
    assert!(policy.check("new_thing", &caller(&["admin"]), &target()));
    assert!(!policy.check("new_thing", &caller(&["member"]), &target()));
}

fn image(owner: &str, visibility: &str) -> Target {
    Target::new().with("project_id", owner).with("owner", owner).with("visibility", visibility)
}

/// The rows of reference/glance.md §1.8: who of admin, own member, own reader, stranger member, stranger reader may.
#[rstest]
#[case("add_image", "private", [true, true, false, false, false])]
#[case("delete_image", "private", [true, true, false, false, false])]
#[case("modify_image", "private", [true, true, false, false, false])]
#[case("upload_image", "private", [true, true, false, false, false])]
#[case("communitize_image", "private", [true, true, false, false, false])]
#[case("deactivate", "private", [true, true, false, false, false])]
#[case("reactivate", "private", [true, true, false, false, false])]
#[case("add_member", "shared", [true, true, false, false, false])]
#[case("delete_member", "shared", [true, true, false, false, false])]
#[case("set_image_location", "private", [true, true, false, false, false])]
#[case("get_image", "private", [true, true, true, false, false])]
#[case("get_image", "public", [true, true, true, true, true])]
#[case("get_image", "community", [true, true, true, true, true])]
#[case("get_image", "shared", [true, true, true, true, true])]
#[case("get_images", "private", [true, true, true, false, false])]
#[case("get_image_location", "public", [true, true, true, false, false])]
#[case("download_image", "private", [true, true, false, false, false])]
#[case("download_image", "public", [true, true, false, true, false])]
#[case("download_from_store", "public", [true, true, false, true, false])]
#[case("get_members", "shared", [true, true, true, false, false])]
#[case("modify_member", "shared", [true, false, false, false, false])]
#[case("publicize_image", "private", [true, false, false, false, false])]
#[case("copy_image", "private", [true, false, false, false, false])]
#[case("delete_image_location", "private", [true, false, false, false, false])]
#[case("tasks_api_access", "private", [true, false, false, false, false])]
#[case("fetch_image_location", "private", [true, false, false, false, false])]
#[case("stores_info_detail", "private", [true, false, false, false, false])]
#[case("add_image_location", "private", [true, true, false, false, false])]
#[case("get_metadef_namespace", "public", [true, true, true, true, true])]
#[case("get_metadef_namespace", "private", [true, true, true, false, false])]
#[case("add_metadef_namespace", "public", [true, false, false, false, false])]
fn glances_rules_are_kept(#[case] rule: &str, #[case] visibility: &str, #[case] wanted: [bool; 5]) {
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let callers = [
        (caller(&["admin", "member", "reader"]), "p2"),
        (caller(&["member", "reader"]), "p1"),
        (caller(&["reader"]), "p1"),
        (caller(&["member", "reader"]), "p2"),
        (caller(&["reader"]), "p2"),
    ];
    let found = callers.map(|(context, owner)| policy.check(rule, &context, &image(owner, visibility)));
    assert_eq!(found, wanted, "{rule} {visibility}");
}

#[test]
fn an_image_member_reads_and_answers_but_does_not_change() {
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let member = caller(&["member", "reader"]);
    let shared = image("p2", "private").with("member_id", "p1");
    for (rule, wanted) in [
        ("get_image", true),
        ("download_image", true),
        ("get_member", true),
        ("modify_member", true),
        ("modify_image", false),
        ("delete_image", false),
    ] {
        assert_eq!(policy.check(rule, &member, &shared), wanted, "{rule}");
    }
}

#[test]
fn a_service_sees_locations() {
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let service = caller(&["service", "member", "reader"]);
    for rule in ["fetch_image_location", "add_image_location", "stores_info_detail"] {
        assert!(policy.check(rule, &service, &image("p2", "private")), "{rule}");
    }
    assert!(!policy.check("get_image", &service, &image("p2", "private")));
}

#[test]
fn tokens_of_another_scope_are_refused() {
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let mut system = caller(&["admin", "member", "reader"]);
    system.system_scope = Some("all".to_owned());
    system.project_id = None;
    let mut domain = caller(&["admin"]);
    domain.domain_id = Some("default".to_owned());
    for context in [&system, &domain] {
        assert!(!policy.check("get_images", context, &target()));
        assert!(policy.clone().with_enforce_scope(false).check("get_images", context, &target()));
        assert!(policy.check("context_is_admin", context, &target()));
    }
}

#[test]
fn operators_rules_go_over_the_shipped_ones_and_keep_their_scope() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(&file, "\"publicize_image\": \"rule:context_is_admin or role:publisher\"\n").unwrap();
    let more = dir.path().join("policy.d");
    std::fs::create_dir(&more).unwrap();
    std::fs::write(
        more.join("1.json"),
        r#"{"copy_image": [["role:member", "project_id:%(project_id)s"], ["role:x"]]}"#,
    )
    .unwrap();
    let files = PolicyFiles {
        file: vec![dir.path().join("none.yaml"), file],
        file_required: true,
        dirs: vec![vec![dir.path().join("none.d"), more]],
    };
    let policy = Policy::new(glance::DEFAULTS).unwrap().with_files(files).unwrap();
    let publisher = caller(&["publisher"]);
    assert!(policy.check("publicize_image", &publisher, &target()));
    assert!(policy.check("copy_image", &caller(&["member"]), &target()));
    assert!(!policy.check("copy_image", &caller(&["reader"]), &target()));
    let mut system = publisher;
    system.system_scope = Some("all".to_owned());
    assert!(!policy.check("publicize_image", &system, &target()));
}

#[test]
fn a_wrong_file_names_file_rule_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    let mut policy = Policy::new(glance::DEFAULTS).unwrap();
    for rule in ["role:admin or", "http://policy.example/check", "https://policy.example/%(name)s"] {
        std::fs::write(&file, format!("# ours\n\nget_image: {rule}\n")).unwrap();
        let error = policy.load_file(&file).unwrap_err().to_string();
        for part in ["get_image", "policy.yaml", "line 3"] {
            assert!(error.contains(part), "{error}");
        }
    }
    assert!(policy.load_file(&dir.path().join("none.yaml")).unwrap_err().to_string().contains("none.yaml"));
    let named = PolicyFiles { file: vec![dir.path().join("none.yaml")], file_required: true, dirs: vec![] };
    assert!(policy.clone().with_files(named.clone()).is_err());
    policy.with_files(PolicyFiles { file_required: false, ..named }).unwrap();
}

/// Rules that follow a file, and the file.
fn followed(text: &str) -> (Policy, std::path::PathBuf, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(&file, text).unwrap();
    let files = PolicyFiles {
        file: vec![file.clone()],
        file_required: false,
        dirs: vec![vec![dir.path().join("d")]],
    };
    let policy = Policy::new(glance::DEFAULTS).unwrap().with_files(files).unwrap();
    (policy, file, dir)
}

#[test]
fn rules_follow_their_files() {
    let (policy, file, dir) = followed("copy_image: role:member\n");
    let may = || policy.check("copy_image", &caller(&["member"]), &target());
    assert!(may() && !policy.refresh().unwrap());
    std::fs::write(&file, "copy_image: role:copier\n").unwrap();
    assert!(policy.refresh().unwrap() && !may());
    assert!(!policy.refresh().unwrap());
    std::fs::create_dir(dir.path().join("d")).unwrap();
    std::fs::write(dir.path().join("d/1.yaml"), "copy_image: '@'\n").unwrap();
    assert!(policy.refresh().unwrap() && may());
    std::fs::remove_file(dir.path().join("d/1.yaml")).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(policy.refresh().unwrap() && !may());
    assert_eq!(policy.effective().iter().filter(|rule| rule.origin.is_some()).count(), 0);
}

#[test]
fn a_file_that_breaks_leaves_the_rules_and_is_told_once() {
    let (policy, file, _dir) = followed("copy_image: role:member\n");
    let may = || policy.check("copy_image", &caller(&["member"]), &target());
    std::fs::write(&file, "copy_image: role:nobody\nget_image: (role:reader\n").unwrap();
    let error = policy.refresh().unwrap_err().to_string();
    assert!(error.contains("get_image") && error.contains("line 2"), "{error}");
    assert!(may() && !policy.refresh().unwrap() && may());
    std::fs::write(&file, "copy_image: role:nobody or !\n").unwrap();
    assert!(policy.refresh().unwrap() && !may());
}

#[test]
fn old_defaults_allow_more_until_an_operator_says_otherwise() {
    let policy = Policy::new(glance::DEFAULTS).unwrap().with_old_defaults(glance::OLD_DEFAULTS).unwrap();
    let nobody = caller(&[]);
    assert!(policy.check("modify_image", &nobody, &image("p2", "private")));
    assert!(!policy.check("publicize_image", &nobody, &image("p2", "private")));
    let mut policy = policy;
    policy.set_rule("modify_image", "role:member").unwrap();
    assert!(!policy.check("modify_image", &nobody, &image("p2", "private")));
}

#[test]
fn another_rule_may_count_for_those_that_are_not_there() {
    let mut policy = Policy::new(glance::DEFAULTS).unwrap().with_default_rule("fallback");
    assert!(!policy.check("new_thing", &caller(&["admin"]), &target()));
    policy.set_rule("fallback", "role:admin").unwrap();
    assert!(policy.check("new_thing", &caller(&["admin"]), &target()));
}

/// The file is what the real service's `list_rules` says: name, rule, scopes, what older releases allowed.
#[test]
fn the_shipped_rules_are_glances() {
    let table = include_str!("glance-33.tsv");
    assert_eq!(table.lines().count(), glance::DEFAULTS.len());
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let effective = policy.effective();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let rule = effective.iter().find(|rule| rule.name == fields[0]).expect(fields[0]);
        assert_eq!(parser::parse(&rule.check).unwrap(), parser::parse(fields[1]).unwrap(), "{}", rule.name);
        let scopes: &[Scope] = if fields[2] == "project" { &[Scope::Project] } else { &[] };
        assert_eq!(rule.scopes, scopes, "{}", rule.name);
        let old = glance::OLD_DEFAULTS.iter().find(|(name, _)| *name == fields[0]).map_or("", |(_, old)| old);
        assert_eq!(old, fields[3], "{}", rule.name);
    }
}

#[test]
fn doubts_are_told_with_the_nearest_name() {
    let (policy, _, _dir) = followed(
        "get_imag: role:x\nmembers: role:y\ndelete_image: rule:members or rule:no_such\na: rule:b\nb: rule:a\n",
    );
    let doubts = policy.doubts().join("\n");
    assert!(doubts.contains("policy.yaml:1: get_imag guards nothing"), "{doubts}");
    assert!(doubts.contains("did you mean get_image?"), "{doubts}");
    assert!(doubts.contains("policy.yaml:3: delete_image asks for rule:no_such"), "{doubts}");
    assert!(doubts.contains("policy.yaml:4: a leads back to itself"), "{doubts}");
    assert!(!doubts.contains("members guards"), "{doubts}");
    assert_eq!(Policy::new(glance::DEFAULTS).unwrap().doubts(), Vec::<String>::new());
}

#[test]
fn a_services_roles_are_not_the_users() {
    let mut context = caller(&["member"]);
    context.service_roles = vec!["service".to_owned(), "admin".to_owned()];
    context.service.user_id = Some("nova".to_owned());
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    for rule in ["service_api", "context_is_admin", "fetch_image_location", "publicize_image"] {
        assert!(!policy.check(rule, &context, &target()), "{rule}");
    }
    let mut policy = policy;
    policy.set_rule("fetch_image_location", "service_roles:service and service_user_id:nova").unwrap();
    assert!(policy.check("fetch_image_location", &context, &target()));
}

mod language {
    use proptest::prelude::*;

    use super::super::parser;
    use super::super::rule::{Check, Pattern, Piece};

    fn pattern() -> impl Strategy<Value = Pattern> {
        prop_oneof![
            "[a-z0-9_.:-]{1,8}".prop_map(|text| Pattern(vec![Piece::Text(text)])),
            "[a-z_.]{1,8}".prop_map(|name| Pattern(vec![Piece::Attribute(name)])),
        ]
    }

    fn leaf() -> impl Strategy<Value = Check> {
        prop_oneof![
            Just(Check::True),
            Just(Check::False),
            "[a-z_:]{1,8}".prop_map(Check::Rule),
            pattern().prop_map(Check::Role),
            ("[a-zA-Z' ]{1,8}", pattern()).prop_map(|(text, pattern)| Check::Literal(text, pattern)),
            ("(True|None|-?[0-9]{1,3})", pattern()).prop_map(|(text, pattern)| Check::Literal(text, pattern)),
            ("[a-z]{2,8}_id", pattern()).prop_map(|(name, pattern)| Check::Credential(name, pattern)),
        ]
    }

    /// Trees as the parser makes them: no list of one.
    fn check() -> impl Strategy<Value = Check> {
        leaf().prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|inner| Check::Not(Box::new(inner))),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Check::All),
                prop::collection::vec(inner, 2..4).prop_map(Check::Any),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(check in check()) {
            let text = check.to_string();
            let read = parser::parse(&text);
            prop_assert_eq!(read.as_ref().map(ToString::to_string), Ok(text));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "(?s).{0,80}") {
            let _ = parser::parse(&text);
        }

        #[test]
        fn no_words_break_the_parser(words in prop::collection::vec("(and|or|not|\\(|\\)|@|!|role:x|'a':%\\(b\\)s|%|:|'|\")", 0..20)) {
            if let Ok(check) = parser::parse(&words.join(" ")) {
                prop_assert_eq!(parser::parse(&check.to_string()).map(|again| again.to_string()), Ok(check.to_string()));
            }
        }
    }
}
