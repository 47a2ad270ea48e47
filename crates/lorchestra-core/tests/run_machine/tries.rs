//! Tries: retries, back-off, and results that nobody awaits.

use lorchestra_core::handler::{Completion, StepError, WaitRequest};
use lorchestra_core::instance::{Backoff, RetryPolicy};
use lorchestra_core::run::journal::{Dispatched, Event};
use lorchestra_core::run::record::{RunStatus, StepStatus};
use serde_json::json;
use testkit::{job_of, step_of};

use crate::play::{Play, START, fails, gives, slips};

#[test]
fn a_failed_try_is_repeated_after_its_pause_and_may_succeed() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    play.end("a", slips("one"));
    assert_eq!(play.machine.status(), RunStatus::Waiting);
    assert_eq!(play.machine.wake_at(), Some(START.plus_millis(1000)));
    play.after_ms(999);
    assert!(play.under.is_empty());
    play.after_ms(1);
    assert_eq!(play.under[0].retry_count, 1);
    play.end("a", slips("two"));
    play.after_ms(2000);
    assert_eq!(play.under[0].retry_count, 2);
    play.end("a", gives(json!({})));
    assert_eq!(play.machine.status(), RunStatus::Success);
    assert_eq!(play.outcome("a").tries, 3);
    assert_eq!(play.outcome("a").error, None);
    let manifests: Vec<bool> = play
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::StepDispatched(dispatched) => Some(matches!(dispatched.manifest, Dispatched::Whole(_))),
            _ => None,
        })
        .collect();
    assert_eq!(manifests, [true, false, false], "the manifest is stored once");
}

#[test]
fn retries_run_out() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    assert_eq!(play.play(|under| slips(&format!("try {}", under.retry_count))), RunStatus::Failed);
    let outcome = play.outcome("a");
    assert_eq!((outcome.tries, outcome.error.unwrap().message), (3, "try 2".into()));
}

#[test]
fn a_permanent_error_is_not_retried() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    play.end("a", fails("for good"));
    assert_eq!(play.outcome("a").tries, 1);
    assert_eq!(play.machine.status(), RunStatus::Failed);
}

#[test]
fn the_wish_of_a_server_to_wait_is_honoured_beyond_the_longest_pause() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    let mut error = StepError::retryable("busy", "later");
    error.retry_after_ms = Some(120_000);
    play.end("a", Err(error));
    assert_eq!(play.machine.wake_at(), Some(START.plus_millis(120_000)));
    assert_eq!(play.play_well(), RunStatus::Success);
}

#[test]
fn pauses_follow_the_policy() {
    for (backoff, pauses) in [
        (Backoff::Exponential, [100, 200, 400]),
        (Backoff::Linear, [100, 200, 300]),
        (Backoff::Fixed, [100, 100, 100]),
        (Backoff::None, [0, 0, 0]),
    ] {
        let mut a = step_of("a", &[]);
        a.retry = RetryPolicy { max_attempts: 4, backoff, initial_ms: 100, max_ms: 10_000, jitter: false };
        let mut play = Play::started(job_of([a]));
        for pause in pauses {
            let failed_at = play.now;
            play.end("a", slips("again"));
            if pause > 0 {
                assert_eq!(play.machine.wake_at(), Some(failed_at.plus_millis(pause)), "{backoff:?}");
                play.after_ms(pause);
            }
        }
        play.end("a", gives(json!({})));
        assert_eq!(play.machine.status(), RunStatus::Success);
    }
}

#[test]
fn late_and_second_results_are_refused() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    let first = play.under[0].dispatch_seq;
    assert_eq!(play.machine.completed("a", first + 1, gives(json!({})), play.now), None);
    assert_eq!(play.machine.completed("nobody", first, gives(json!({})), play.now), None);
    play.crash();
    assert_eq!(play.machine.completed("a", first, gives(json!({})), play.now), None, "of a try that is over");
    let second = play.under[0].dispatch_seq;
    play.end("a", gives(json!({})));
    assert_eq!(play.machine.completed("a", second, gives(json!({})), play.now), None, "a second time");
}

#[test]
fn a_step_may_wait_for_a_time_without_a_slot() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("b", &["a"])]));
    let until = START.plus_millis(5000);
    play.end("a", Ok(Completion::Wait(WaitRequest::Until(until))));
    assert_eq!(play.status("a"), StepStatus::Waiting);
    assert_eq!((play.machine.status(), play.machine.wake_at()), (RunStatus::Waiting, Some(until)));
    play.crash();
    assert_eq!(play.status("a"), StepStatus::Waiting, "a wait survives its process");
    play.after_ms(5000);
    assert_eq!(play.under_way(), ["b"]);
}
