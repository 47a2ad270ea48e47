//! Which steps begin when: needs, parallelism, values that go from step to step.

use lorchestra_core::artifact::{ArtifactAt, ArtifactKind, Handle, StepOutput};
use lorchestra_core::handler::{Completion, RowCounts, StepSuccess};
use lorchestra_core::run::record::RunStatus;
use lorchestra_json::Sha256;
use serde_json::json;
use testkit::{job_of, sealed, step_of, with_late};

use crate::play::{Play, gives};

#[test]
fn a_linear_run_goes_step_by_step() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("b", &["a"]), step_of("c", &["b"])]));
    for step in ["a", "b", "c"] {
        assert_eq!(play.under_way(), [step]);
        play.end(step, gives(json!({"n": 1})));
    }
    assert_eq!(play.machine.status(), RunStatus::Success);
    assert_eq!(play.machine.result().unwrap().value, json!({"n": 1}), "the last step's output is the result");
    let types: Vec<&str> = play.entries.iter().map(|entry| entry.event.type_name()).collect();
    assert_eq!(
        types.join(" "),
        "run_created attempt_started run_claimed step_dispatched step_succeeded step_dispatched step_succeeded \
         step_dispatched step_succeeded run_finished"
    );
}

#[test]
fn a_diamond_joins_when_both_sides_have_ended() {
    let mut play = Play::started(job_of([
        step_of("top", &[]),
        step_of("left", &["top"]),
        step_of("right", &["top"]),
        step_of("join", &["left", "right"]),
    ]));
    assert_eq!(play.under_way(), ["top"]);
    play.end("top", gives(json!({})));
    assert_eq!(play.under_way(), ["left", "right"]);
    play.end("right", gives(json!({})));
    assert_eq!(play.under_way(), ["left"]);
    play.end("left", gives(json!({})));
    assert_eq!(play.under_way(), ["join"]);
    play.end("join", gives(json!({})));
    assert_eq!(play.machine.status(), RunStatus::Success);
}

#[test]
fn steps_without_needs_begin_at_once_up_to_max_parallel() {
    let steps = || ["a", "b", "c", "d", "e"].map(|id| step_of(id, &[]));
    let mut wide = Play::started(job_of(steps()));
    assert_eq!(wide.under_way(), ["a", "b", "c", "d", "e"]);
    assert_eq!(wide.play_well(), RunStatus::Success);
    for limit in 1..=4 {
        let mut job = job_of(steps());
        job.max_parallel = limit;
        let mut play = Play::started(sealed(job));
        assert_eq!(play.under.len(), limit as usize);
        assert_eq!(play.play_well(), RunStatus::Success);
        assert_eq!(play.peak, limit as usize);
    }
}

#[test]
fn a_job_without_steps_succeeds() {
    assert_eq!(Play::started(job_of([])).machine.status(), RunStatus::Success);
}

#[test]
fn refs_reach_into_what_steps_gave() {
    let b = with_late(step_of("b", &["a"]), "whole", "@run.a.rows_seen");
    let b = with_late(with_late(b, "deep", "@run.a.list[1].x"), "text", "n=${run.a.rows_seen}");
    let mut job = job_of([step_of("a", &[]), b]);
    job.output = Some("@run.a.list[0].x".into());
    let mut play = Play::started(sealed(job));
    play.end("a", gives(json!({"rows_seen": 3, "list": [{"x": "first"}, {"x": true}]})));
    assert_eq!(
        play.machine.manifest("b").unwrap().resolved_params,
        json!({"whole": 3, "deep": true, "text": "n=3"})
    );
    play.end("b", gives(json!({})));
    assert_eq!(play.machine.result().unwrap().value, json!("first"));
}

#[test]
fn refs_reach_into_artifacts_by_reading_and_hand_whole_ones_on() {
    let handle = Handle {
        sha256: Sha256::of(b"big"),
        kind: ArtifactKind::Json,
        bytes: 3,
        count: None,
        fields: Some(vec!["inner".into()]),
    };
    let b = with_late(step_of("b", &["a"]), "whole", "@run.a.big");
    let b = with_late(b, "deep", "@run.a.big.inner[0]");
    let mut play = Play::started(job_of([step_of("a", &[]), b]));
    play.artifacts.insert(handle.sha256, json!({"inner": [42]}));
    let output = StepOutput {
        value: json!({"small": 1}),
        artifacts: vec![ArtifactAt { at: "/big".into(), handle: handle.clone() }],
    };
    play.end("a", Ok(Completion::Output(StepSuccess { output, rows: RowCounts { read: 2, written: 3 } })));
    let manifest = play.machine.manifest("b").unwrap().clone();
    assert_eq!(manifest.resolved_params["deep"], json!(42));
    assert_eq!(manifest.artifact("/whole"), Some(&handle));
    assert_eq!((play.outcome("a").rows_read, play.outcome("a").rows_written), (2, 3));
}

#[test]
fn a_ref_to_nothing_fails_the_step_before_its_first_try() {
    let mut play =
        Play::started(job_of([step_of("a", &[]), with_late(step_of("b", &["a"]), "x", "@run.a.missing")]));
    play.end("a", gives(json!({"there": 1})));
    let failed = play.outcome("b");
    assert_eq!(failed.error.unwrap().error_type, "unresolved_reference");
    assert_eq!(failed.tries, 0);
    assert!(failed.started_at.is_some() && failed.completed_at.is_some(), "failed has both times");
    assert_eq!(play.machine.status(), RunStatus::Failed);
}
