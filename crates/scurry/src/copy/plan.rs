// SPDX-License-Identifier: Apache-2.0
//! A plan as people read it.

use std::fmt::Write as _;

use indicatif::BinaryBytes;
use scurry_openstack_client::image::{CopyPlan, CopyTarget};

/// The plan, a line a store and, below it, why not better.
pub(super) fn text(plan: &CopyPlan) -> String {
    let mut text = String::new();
    if plan.targets.is_empty() {
        return "Nothing to do: the image is in all these stores.\n".to_owned();
    }
    let _never = writeln!(text, "Image of {}{}", BinaryBytes(plan.size), read(plan));
    let width = plan.targets.iter().map(|target| target.store.len()).max().unwrap_or(0);
    for target in &plan.targets {
        let _never = writeln!(text, "  {:width$}  {}", target.store, way(target));
        for refusal in &target.refused {
            let of =
                refusal.source.as_ref().map(|source| format!(" of what {source} has")).unwrap_or_default();
            let _never =
                writeln!(text, "  {:width$}    no {}{of}: {}", "", words(&refusal.strategy), refusal.reason);
        }
    }
    text
}

fn read(plan: &CopyPlan) -> String {
    let from = plan.source.as_deref().unwrap_or("?");
    match plan.extents {
        Some(extents) => format!(
            ", {} of data in {} extents and {} of zeroes, read from {from}",
            BinaryBytes(extents.data_bytes),
            extents.count,
            BinaryBytes(extents.zero_bytes)
        ),
        None => String::new(),
    }
}

fn way(target: &CopyTarget) -> String {
    let from = target.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    let done = if target.done { " (done)" } else { "" };
    format!("{}{from}{done}", words(&target.strategy))
}

fn words(strategy: &str) -> String {
    strategy.replace("server_side", "server-side").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use scurry_openstack_client::image::{CopyExtents, CopyRefusal};

    use super::*;

    #[test]
    fn a_plan_says_what_is_done_and_why_not_better() {
        let target = |store: &str, strategy: &str, refused| CopyTarget {
            store: store.to_owned(),
            strategy: strategy.to_owned(),
            source: Some("one".to_owned()),
            refused,
            done: store == "near",
        };
        let refusal = CopyRefusal {
            strategy: "server_side_copy".to_owned(),
            source: Some("one".to_owned()),
            reason: "it is elsewhere".to_owned(),
        };
        let plan = CopyPlan {
            size: 4 << 30,
            source: Some("one".to_owned()),
            extents: Some(CopyExtents { count: 3, data_bytes: 1 << 30, zero_bytes: 3 << 30 }),
            targets: vec![
                target("near", "backend_clone", Vec::new()),
                target("far away", "extent_copy", vec![refusal]),
            ],
            task: None,
            done_bytes: None,
        };
        assert_eq!(
            text(&plan),
            "Image of 4.00 GiB, 1.00 GiB of data in 3 extents and 3.00 GiB of zeroes, read from one\n  \
             near      backend clone from one (done)\n  \
             far away  extent copy from one\n              \
             no server-side copy of what one has: it is elsewhere\n"
        );
        let nothing = CopyPlan { targets: Vec::new(), ..plan };
        assert!(text(&nothing).starts_with("Nothing to do"));
    }
}
