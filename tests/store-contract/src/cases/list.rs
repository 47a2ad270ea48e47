//! Listing and finding runs.

use lorchestra_core::clock::Clock;
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{RunFilter, StoreError};

use super::{assert_refused, claimed};
use crate::{Bench, Outcome, sample};

fn ids(runs: &[RunRecord]) -> Vec<&str> {
    runs.iter().map(|run| run.run_id.as_str()).collect()
}

/// Of runs created in one moment too.
pub async fn runs_are_listed_newest_first_page_by_page(bench: &mut dyn Bench) -> Outcome {
    let store = bench.store();
    for (number, run_id) in ["e", "b", "d", "a", "c", "f", "g"].into_iter().enumerate() {
        store.create_run(sample::run(run_id, bench.clock().now())).await?;
        if number % 2 == 1 {
            bench.clock().advance_ms(1);
        }
    }
    let mut filter = RunFilter { limit: 3, ..RunFilter::default() };
    let mut pages = Vec::new();
    loop {
        let page = store.list_runs(&filter).await?;
        let Some(last) = page.last() else { break };
        filter.after = Some(last.run_id.clone());
        pages.push(ids(&page).join(""));
    }
    assert_eq!(pages, ["gfc", "adb", "e"]);
    assert_eq!(store.list_runs(&RunFilter::default()).await?, [], "a limit of none gives none");
    Ok(())
}

/// Each alone and several at once.
pub async fn filters_hold_together(bench: &mut dyn Bench) -> Outcome {
    let start = bench.clock().now();
    let (store, parent, epoch) = claimed(bench, "parent").await?;
    let child = sample::child_of(sample::run_of("child_job", "child", start), "parent");
    let mut begin = sample::start(&parent.record, 1, start);
    begin.children = vec![child];
    store.append("parent", epoch, 1, begin).await?;
    bench.clock().advance_ms(10);
    let later = bench.clock().now();
    for run_id in ["one", "two"] {
        store.create_run(sample::run_of("other", run_id, later)).await?;
    }
    let epoch = super::claim_by_name(&*store, "two").await?;
    let two = store.load_run("two").await?.record;
    store.append("two", epoch, 1, sample::start(&two, 1, later)).await?;
    store.append("two", epoch, 2, sample::finish(&two, 2, later)).await?;

    let all = RunFilter { limit: 10, ..RunFilter::default() };
    let (running, queued, success) = (RunStatus::Running, RunStatus::Queued, RunStatus::Success);
    let cases = [
        (all.clone(), vec!["two", "one", "child", "parent"]),
        (RunFilter { job_id: Some("other".into()), ..all.clone() }, vec!["two", "one"]),
        (RunFilter { job_id: Some("no such job".into()), ..all.clone() }, vec![]),
        (RunFilter { statuses: vec![queued], ..all.clone() }, vec!["one", "child"]),
        (RunFilter { statuses: vec![running, success, success], ..all.clone() }, vec!["two", "parent"]),
        (RunFilter { statuses: vec![queued, running], limit: 2, ..all.clone() }, vec!["one", "child"]),
        (RunFilter { statuses: vec![RunStatus::Failed], ..all.clone() }, vec![]),
        (RunFilter { since: Some(later), ..all.clone() }, vec!["two", "one"]),
        (RunFilter { until: Some(later), ..all.clone() }, vec!["child", "parent"]),
        (RunFilter { since: Some(start), until: Some(start), ..all.clone() }, vec![]),
        (RunFilter { parent_run_id: Some("parent".into()), ..all.clone() }, vec!["child"]),
        (RunFilter { after: Some("child".into()), ..all.clone() }, vec!["parent"]),
        (
            RunFilter {
                job_id: Some("other".into()),
                statuses: vec![queued, success],
                since: Some(start),
                after: Some("two".into()),
                ..all.clone()
            },
            vec!["one"],
        ),
        (RunFilter { job_id: Some("x' OR '1'='1".into()), ..all }, vec![]),
    ];
    for (filter, expected) in cases {
        let found = store.list_runs(&filter).await?;
        assert_eq!(ids(&found), expected, "{filter:?}");
        for record in found {
            assert_eq!(store.load_run(&record.run_id).await?.record, record);
        }
    }
    Ok(())
}

/// A page that cannot be continued says so, instead of beginning again.
pub async fn a_page_after_an_unknown_run_is_not_found(bench: &mut dyn Bench) -> Outcome {
    let filter = RunFilter { after: Some("none".into()), limit: 1, ..RunFilter::default() };
    assert_refused!(bench.store().list_runs(&filter).await, StoreError::NotFound(id) if id == "none");
    Ok(())
}

/// If it is the only one.
pub async fn a_run_is_found_by_either_end_of_its_id(bench: &mut dyn Bench) -> Outcome {
    let store = bench.store();
    assert_eq!(store.find_run("abc").await?, None);
    for run_id in ["abc-1-xyz", "abc-2-xyä", "abc-2", "x%_"] {
        store.create_run(sample::run(run_id, bench.clock().now())).await?;
    }
    for (part, expected) in [
        ("abc-1", Some("abc-1-xyz")),
        ("xyz", Some("abc-1-xyz")),
        ("yä", Some("abc-2-xyä")),
        ("abc-2", Some("abc-2")), // all of an id, although it begins another
        ("abc", None),
        ("-1-", None),
        ("", None),
        ("%", None),
        ("_", Some("x%_")),
        ("abc-1-xyz-and-more", None),
    ] {
        assert_eq!(store.find_run(part).await?.as_deref(), expected, "{part:?}");
    }
    Ok(())
}
