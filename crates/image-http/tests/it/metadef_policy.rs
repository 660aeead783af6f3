// SPDX-License-Identifier: Apache-2.0
//! Who may do what with metadata definitions: each rule denied, and each route as each role.

use scurry_image_http::ROUTE_RULES;
use serde_json::{Value, json};

use crate::support::{Answer, TestApi};

const NAMESPACES: &str = "/v2/metadefs/namespaces";

/// A namespace with one of everything.
fn namespace(name: &str, owner: &str, visibility: &str) -> Value {
    let property = json!({"title": "T", "type": "string"});
    json!({
        "namespace": name,
        "owner": owner,
        "visibility": visibility,
        "objects": [{"name": "o"}],
        "properties": {"p": property},
        "tags": [{"name": "t"}],
        "resource_type_associations": [{"name": "RT", "prefix": "x_"}],
    })
}

async fn make(api: &TestApi, name: &str, owner: &str, visibility: &str) {
    let answer = api.call("admin", "POST", NAMESPACES).json(&namespace(name, owner, visibility)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// The request to a route of a namespace, with the body it takes.
async fn ask(api: &TestApi, user: &str, method: &str, route: &str, name: &str) -> Answer {
    let path = route
        .replace("{namespace}", name)
        .replace("{object}", "o")
        .replace("{property}", if route.contains('?') { "x_p" } else { "p" })
        .replace("{tag}", if method == "POST" { "t2" } else { "t" })
        .replace("{resource_type}", "RT");
    let call = api.call(user, method, &path);
    let item = route.trim_start_matches(NAMESPACES).trim_start_matches("/{namespace}");
    let body = match (method, item) {
        ("POST", "") => namespace(&format!("{name}made"), "admins", "public"),
        ("PUT", "") => json!({"namespace": name}),
        ("POST", "/objects") => json!({"name": "o2"}),
        ("PUT", "/objects/{object}") => json!({"name": "o"}),
        ("POST", "/properties") => json!({"name": "p2", "title": "T", "type": "string"}),
        ("PUT", "/properties/{property}") => json!({"name": "p", "title": "T", "type": "string"}),
        ("POST", "/tags") => json!({"tags": [{"name": "u"}]}),
        ("PUT", "/tags/{tag}") => json!({"name": "t"}),
        ("POST", "/resource_types") => json!({"name": "RT2"}),
        _ => return call.send().await,
    };
    call.json(&body).await
}

fn is_refusal(answer: &Answer, rule: &str) -> bool {
    answer.status == 404
        || (answer.status == 403 && answer.text().contains(&format!("complete {rule} action")))
}

/// Where a rule decides about each entry of a list, denied it leaves the list empty.
fn empties(method: &str, route: &str, rule: &str) -> Option<&'static str> {
    match (method, route.trim_start_matches(NAMESPACES), rule) {
        ("GET", "", "get_metadef_namespace") => Some("namespaces"),
        ("GET", "/{namespace}/objects", "get_metadef_object") => Some("objects"),
        ("GET", "/{namespace}/resource_types", "get_metadef_resource_type") => {
            Some("resource_type_associations")
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_denied_rule_closes_its_routes() {
    let open = TestApi::new().await;
    let mut walked = 0;
    for (method, route, rules) in ROUTE_RULES.iter().filter(|(_, route, _)| route.starts_with("/v2/metadefs"))
    {
        for rule in *rules {
            // Only a property asked for by its name with a resource type needs to know resource types.
            let by_type = *rule == "get_metadef_resource_type" && route.ends_with("{property}");
            let route = if by_type { format!("{route}?resource_type=RT") } else { (*route).to_owned() };
            let allowed = format!("allowed{walked}");
            make(&open, &allowed, "admins", "public").await;
            let answer = ask(&open, "admin", method, &route, &allowed).await;
            assert!(matches!(answer.status, 200 | 201 | 204), "{method} {route}: {}", answer.text());

            let denied = format!("denied{walked}");
            make(&open, &denied, "admins", "public").await;
            let answer = ask(&open.denying(&[rule]), "admin", method, &route, &denied).await;
            match empties(method, &route, rule) {
                Some(list) => assert_eq!(answer.json()[list], json!([]), "{method} {route} {rule}"),
                None => assert!(is_refusal(&answer, rule), "{method} {route} {rule}: {}", answer.text()),
            }
            walked += 1;
        }
    }
    assert!(walked > 40, "{walked}");
}

/// As a real Glance answers: administrator, two of the owner's project (the reader last), one without roles, another
/// project's member. What is another project's alone is not there.
#[tokio::test]
async fn every_route_as_every_role() {
    let users = ["admin", "alice", "alice-reader", "nobody", "bob"];
    let api = TestApi::new().await;
    let mut made = 0;
    for (method, route, _) in ROUTE_RULES.iter().filter(|(_, route, _)| route.contains("{namespace}")) {
        let creates = *method == "POST";
        let yes = match *method {
            "DELETE" => 204,
            _ if creates => 201,
            _ => 200,
        };
        for (visibility, stranger) in [("public", None), ("private", Some(404))] {
            let expected = match *method {
                "GET" => [yes, yes, yes, 404, stranger.unwrap_or(yes)],
                _ => [yes, 403, 403, 404, stranger.unwrap_or(403)],
            };
            // The administrator comes last: what is asked for may be gone then.
            for (user, expected) in users.into_iter().zip(expected).rev() {
                if user == "bob" {
                    made += 1;
                    make(&api, &format!("ns{made}"), "alice", visibility).await;
                }
                let answer = ask(&api, user, method, route, &format!("ns{made}")).await;
                assert_eq!(
                    answer.status,
                    expected,
                    "{user} {method} {route} {visibility}: {}",
                    answer.text()
                );
            }
        }
    }
    assert_eq!(made, 50);
    for (method, route, expected) in [
        ("GET", NAMESPACES, [200, 200, 200, 404, 200]),
        ("POST", NAMESPACES, [201, 403, 403, 404, 403]),
        ("GET", "/v2/metadefs/resource_types", [200, 200, 200, 404, 200]),
    ] {
        for (user, expected) in users.into_iter().zip(expected).rev() {
            let answer = ask(&api, user, method, route, "").await;
            assert_eq!(answer.status, expected, "{user} {method} {route}: {}", answer.text());
        }
    }
}
