//! A process that dies anywhere changes nothing of what a run gives.

use std::collections::BTreeMap;

use lorchestra_core::run::TryResult;
use lorchestra_core::run::journal::AttemptReason;
use lorchestra_core::run::record::{RunStatus, StepStatus};
use lorchestra_json::Sha256;
use serde_json::{Value, json};
use testkit::{job_of, step_of, with_late};

use crate::play::{Play, START, Under, gives, slips};

fn job() -> lorchestra_core::instance::JobInstance {
    let mut odd = step_of("odd", &["a"]);
    odd.when = Some("run.a.n > 5".into());
    job_of([
        step_of("a", &[]),
        odd,
        with_late(step_of("b", &["a"]), "n", "@run.a.n"),
        step_of("c", &["a"]),
        with_late(step_of("d", &["b", "c"]), "text", "${run.b.from} and ${run.c.from}"),
    ])
}

/// The second step slips on its first counted try.
fn outcome(under: &Under) -> TryResult {
    match (under.step.as_str(), under.retry_count) {
        ("b", 0) => slips("once"),
        (step, _) => gives(json!({"from": step, "n": 3})),
    }
}

type Gave = (RunStatus, Option<Value>, BTreeMap<String, (StepStatus, Option<Sha256>)>);

fn gave(play: &Play) -> Gave {
    let steps = play.instance.steps.iter().map(|step| {
        let manifest = play.machine.manifest(&step.step_id).map(|manifest| manifest.manifest_sha256);
        (step.step_id.clone(), (play.status(&step.step_id), manifest))
    });
    let result = play.machine.result().map(|result| serde_json::to_value(result).unwrap());
    (play.machine.status(), result, steps.collect())
}

#[test]
fn a_crash_after_any_entry_gives_the_same_run() {
    let mut whole = Play::started(job());
    whole.play(outcome);
    let expected = gave(&whole);
    assert_eq!(expected.0, RunStatus::Success);
    for kept in 1..=whole.entries.len() {
        let entries = whole.entries[..kept].to_vec();
        let now = entries.last().unwrap().at;
        let mut play = Play::resumed(&whole.instance, entries, now);
        play.claim();
        play.play(outcome);
        assert_eq!(gave(&play), expected, "after {kept} entries");
        assert!(play.machine.outcomes().iter().all(|outcome| outcome.tries <= 4));
    }
}

#[test]
fn interrupted_tries_do_not_count_against_the_policy() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    for _ in 0..5 {
        if play.under.is_empty() {
            play.now = play.machine.wake_at().unwrap();
            play.settle();
        }
        assert_eq!(play.under[0].retry_count, 0);
        play.crash();
    }
    assert_eq!(play.machine.attempts().last().unwrap().why, AttemptReason::Reclaimed);
    assert_eq!(
        play.play(|under| if under.retry_count < 2 { slips("x") } else { gives(json!({})) }),
        RunStatus::Success
    );
    assert_eq!(play.outcome("a").tries, 8, "five interrupted, two failed, one well");
}

#[test]
fn interruptions_are_free_three_times_and_then_pause() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    for pause in [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
        let crashed_at = play.now;
        play.crash();
        if pause > 0 {
            assert!(play.under.is_empty());
            assert_eq!(play.machine.wake_at(), Some(crashed_at.plus_millis(pause)));
            play.after_ms(pause);
        }
        assert_eq!(play.under_way(), ["a"]);
    }
}

#[test]
fn the_hundredth_interruption_is_a_crash_loop() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    for interruption in 1..=100 {
        assert_eq!(play.under_way(), ["a"], "{interruption}");
        play.crash();
        if play.under.is_empty()
            && let Some(wake_at) = play.machine.wake_at()
        {
            play.now = wake_at;
            play.settle();
        }
    }
    assert_eq!(play.machine.status(), RunStatus::Failed);
    let error = play.outcome("a").error.unwrap();
    assert_eq!((error.error_type.as_str(), error.retryable), ("crash_loop", false));
    assert!(play.now > START);
}

#[test]
fn a_crash_while_steps_are_being_stopped_cancels_them() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    play.tell(lorchestra_core::run_store::InboxMessage::Cancel { why: "by hand".into() });
    play.crash();
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
    assert_eq!(play.status("a"), StepStatus::Cancelled);
}
