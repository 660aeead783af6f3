// SPDX-License-Identifier: Apache-2.0
//! Plans name the best way for each target, and why better ones were refused.

use std::sync::Arc;

use scurry_store::{CloneSource, Operation, Store, WriteSpec};
use scurry_testkit::{MemoryBackend, MemoryStore, pattern};
use scurry_transfer::{CopyPlan, Refused, SourceExtents, Strategy, plan_targets, survey};
use scurry_types::ImageId;

use crate::bench::MIB;

fn shared(stores: &[&MemoryStore]) -> Vec<Arc<dyn Store>> {
    stores.iter().map(|store| Arc::new((*store).clone()) as Arc<dyn Store>).collect()
}

#[tokio::test]
async fn each_target_gets_the_best_its_backend_offers() {
    let (one, two) = (MemoryBackend::new("one"), MemoryBackend::new("two"));
    let source = MemoryStore::new("source").with_backend(&one);
    let near = MemoryStore::new("near").with_backend(&one);
    let (far, beside) =
        (MemoryStore::new("far").with_backend(&two), MemoryStore::new("beside").with_backend(&two));
    let plain = MemoryStore::new("plain").with_capability(|capability| capability.clone = false);
    let image = ImageId::random();
    let object = source.put(&image, &pattern(1, MIB));
    let sources =
        [CloneSource { store: "source".into(), kind: "memory".to_owned(), url: object.url, len: object.len }];
    let spec = WriteSpec { image, owner: None, len: Some(object.len) };
    let targets = plan_targets(&shared(&[&near, &far, &beside, &plain]), &sources, &spec).await;
    let told: Vec<_> = targets
        .iter()
        .map(|target| (target.store.as_str(), target.strategy, target.source.as_ref().unwrap().as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("near", Strategy::BackendClone, "source"),
            ("far", Strategy::ExtentCopy, "source"),
            ("beside", Strategy::BackendClone, "far"),
            ("plain", Strategy::ExtentCopy, "source"),
        ]
    );
    assert!(targets[0].refused.is_empty());
    assert_eq!(targets[1].refused[0].reason, "store source is of another backend");
    assert_eq!(targets[3].refused[0].reason, "this store does not clone");
    for store in [&source, &near, &far, &beside, &plain] {
        assert_eq!(store.faults().count(Operation::Clone) + store.faults().count(Operation::BeginWrite), 0);
    }

    let mut plan = CopyPlan { len: object.len, source: Some("source".into()), extents: None, targets };
    assert!(plan.moves_bytes());
    let refusal = |source: &str| {
        let (strategy, source) = (Strategy::BackendClone, Some(source.into()));
        vec![Refused { strategy, source, reason: "no".to_owned() }]
    };
    plan.falls_back(&"near".into(), refusal("elsewhere"));
    assert_eq!(plan.targets[0].strategy, Strategy::BackendClone);
    plan.falls_back(&"near".into(), refusal("source"));
    assert_eq!((plan.targets[0].strategy, plan.targets[0].refused.len()), (Strategy::ExtentCopy, 1));
}

#[tokio::test]
async fn a_survey_counts_extents_and_their_bytes() {
    let store = MemoryStore::new("source");
    let mut content = vec![0; 9 * MIB];
    content[MIB..2 * MIB].copy_from_slice(&pattern(1, MIB));
    content[4 * MIB..4 * MIB + 4096].copy_from_slice(&pattern(2, 4096));
    let object = store.put(&ImageId::random(), &content);
    let reader = store.open_read(&object.url).await.unwrap();
    let data = MIB as u64 + 4096;
    let expected = SourceExtents { count: 2, data, zero: 9 * MIB as u64 - data };
    assert_eq!(survey(reader.as_ref()).await.unwrap(), expected);
}
