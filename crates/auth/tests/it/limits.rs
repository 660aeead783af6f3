// SPDX-License-Identifier: Apache-2.0
//! Unified limits.

use std::sync::atomic::Ordering;

use scurry_auth::limits::{LimitEndpoint, LimitSource, over_limit};
use scurry_openstack_client::{ErrorKind, Session};
use scurry_types::ProjectId;

use crate::keystone::{Keystone, credentials, options};

fn source(address: &str, endpoint: LimitEndpoint) -> LimitSource {
    LimitSource::new(Session::new(credentials(address), options()).unwrap(), endpoint)
}

fn by_id(id: &str) -> LimitEndpoint {
    LimitEndpoint::Id(id.to_owned())
}

#[tokio::test]
async fn a_projects_own_limit_goes_first_then_the_regions_then_the_general() {
    let (keystone, address) = Keystone::start().await;
    *keystone.registered.lock().unwrap() = vec![
        (Some("RegionOne".to_owned()), "image_size_total".to_owned(), 2000),
        (None, "image_size_total".to_owned(), 1000),
        (Some("RegionTwo".to_owned()), "image_size_total".to_owned(), 9000),
        (None, "image_count_total".to_owned(), 100),
        (Some("RegionTwo".to_owned()), "image_stage_total".to_owned(), 7),
    ];
    *keystone.own_limits.lock().unwrap() = vec![("p1".to_owned(), "image_count_total".to_owned(), 5)];
    let source = source(&address, by_id("e1"));
    let (p1, p2) = (ProjectId::new("p1"), ProjectId::new("p2"));
    for (project, resource, limit) in [
        (&p1, "image_size_total", 2000),
        (&p1, "image_count_total", 5),
        (&p2, "image_count_total", 100),
        (&p2, "image_stage_total", 0),
        (&p2, "image_count_uploading", 0),
    ] {
        assert_eq!(source.limit(project, resource).await.unwrap(), limit, "{project} {resource}");
    }
    assert_eq!(keystone.limit_reads.load(Ordering::SeqCst), 2, "one reading a project");
}

#[tokio::test]
async fn the_service_is_found_by_type() {
    let (keystone, address) = Keystone::start().await;
    *keystone.registered.lock().unwrap() = vec![(None, "image_count_total".to_owned(), 3)];
    let place = |kind: &str| LimitEndpoint::Service {
        service_type: Some(kind.to_owned()),
        name: None,
        region: Some("RegionOne".to_owned()),
        interface: Some("public".to_owned()),
    };
    let project = ProjectId::new("p1");
    assert_eq!(source(&address, place("image")).limit(&project, "image_count_total").await.unwrap(), 3);
    let error = source(&address, place("images")).limit(&project, "image_count_total").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_wrong_endpoint_or_a_failing_keystone_is_an_error_not_a_limit() {
    let (keystone, address) = Keystone::start().await;
    let project = ProjectId::new("p1");
    assert!(source(&address, by_id("e9")).limit(&project, "image_count_total").await.is_err());
    let source = source(&address, by_id("e1"));
    keystone.failing.store(503, Ordering::SeqCst);
    assert!(source.limit(&project, "image_count_total").await.is_err());
    keystone.failing.store(0, Ordering::SeqCst);
    assert_eq!(source.limit(&project, "image_count_total").await.unwrap(), 0);
}

#[test]
fn the_refusal_has_oslos_words() {
    let project = ProjectId::new("2007dda9df4b41f282fda4f3de7df81a");
    let over = over_limit(&project, "image_size_total", 25000, 25784, 0).unwrap();
    assert_eq!(
        over.to_string(),
        "Project 2007dda9df4b41f282fda4f3de7df81a is over a limit for [Resource image_size_total is over limit of \
         25000 due to current usage 25784 and delta 0]"
    );
    assert_eq!(over_limit(&project, "r", 10, 9, 1), None);
    assert!(over_limit(&project, "r", 10, 9, 2).is_some());
    assert!(over_limit(&project, "r", 0, 0, 1).is_some());
    assert_eq!(over_limit(&project, "r", 0, 0, 0), None);
    assert_eq!(over_limit(&project, "r", -1, i64::MAX, i64::MAX), None);
}
