//! What others ask of a run: pause, unpause, another attempt.

use lorchestra_core::handler::StepError;
use lorchestra_core::run::journal::{AttemptReason, Event};
use lorchestra_core::run::record::{RunStatus, StepStatus};
use lorchestra_core::run_store::InboxMessage;
use serde_json::json;
use testkit::{job_of, sealed, step_of};

use crate::play::{Play, START, fails, gives, slips};

fn again() -> InboxMessage {
    InboxMessage::Retry { steps: Vec::new() }
}

#[test]
fn a_paused_run_lets_tries_end_and_begins_none() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("b", &["a"])]));
    play.tell(InboxMessage::Pause);
    assert_eq!(play.machine.status(), RunStatus::Running);
    play.end("a", gives(json!({})));
    assert!(play.under.is_empty());
    assert_eq!((play.machine.status(), play.machine.wake_at()), (RunStatus::Waiting, None));
    play.tell(InboxMessage::Unpause);
    assert_eq!(play.under_way(), ["b"]);
    assert_eq!(play.machine.attempts().last().unwrap().why, AttemptReason::Resumed);
    assert_eq!(play.play_well(), RunStatus::Success);
}

#[test]
fn a_pause_holds_retries_back_and_survives_a_crash() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    play.end("a", slips("once"));
    play.tell(InboxMessage::Pause);
    play.after_ms(60_000);
    play.crash();
    assert!(play.under.is_empty());
    play.tell(InboxMessage::Unpause);
    assert_eq!(play.under_way(), ["a"]);
}

#[test]
fn a_paused_run_can_be_cancelled() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("b", &["a"])]));
    play.tell(InboxMessage::Pause);
    play.end("a", gives(json!({})));
    play.tell(InboxMessage::Cancel { why: "by hand".into() });
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
}

#[test]
fn a_run_that_was_paused_and_let_go_before_it_began_keeps_its_time_limit() {
    let mut job = job_of([step_of("a", &[])]);
    job.timeout_s = Some(10.0);
    let mut play = Play::queued(sealed(job));
    play.tell(InboxMessage::Pause);
    play.tell(InboxMessage::Unpause);
    play.claim();
    play.settle();
    assert_eq!(play.machine.attempts().len(), 1);
    assert_eq!(play.machine.attempts()[0].why, AttemptReason::Started);
    assert_eq!(play.machine.wake_at(), Some(START.plus_millis(10_000)));
}

#[test]
fn another_attempt_reopens_only_what_did_not_complete() {
    let mut skipped = step_of("off", &[]);
    skipped.compiled_skip = Some("if is false".into());
    let mut play =
        Play::started(job_of([skipped, step_of("a", &[]), step_of("b", &["a"]), step_of("c", &["b"])]));
    play.end("a", gives(json!({"n": 1})));
    play.end("b", fails("no"));
    assert_eq!(play.machine.status(), RunStatus::Failed);
    let ended = play.entries.len();
    play.tell(InboxMessage::Cancel { why: "too late".into() });
    play.tell(InboxMessage::Pause);
    assert_eq!(play.entries.len(), ended, "an ended run takes nothing but a retry");
    play.tell(again());
    let Event::RetryRequested(retry) = &play.entries[ended].event else { panic!("a retry comes first") };
    assert_eq!(retry.steps, ["b", "c"]);
    assert_eq!(play.under_way(), ["b"]);
    assert_eq!(play.under[0].retry_count, 0, "failed tries count afresh");
    assert_eq!(play.play_well(), RunStatus::Success);
    assert_eq!(play.outcome("b").tries, 2, "the number of a try is never used again");
    assert_eq!(play.outcome("a").tries, 1);
    assert_eq!(play.status("off"), StepStatus::Skipped);
    assert_eq!(play.machine.attempts().len(), 2);
}

#[test]
fn another_attempt_after_a_cancel_begins_without_it() {
    let mut job = job_of([step_of("a", &[]), step_of("b", &["a"])]);
    job.timeout_s = Some(10.0);
    let mut play = Play::started(sealed(job));
    play.after_ms(10_000);
    play.end("a", Err(StepError::permanent("cancelled", "stopped")));
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
    play.after_ms(60_000);
    play.tell(again());
    assert_eq!(play.under_way(), ["a"]);
    assert_eq!(play.machine.wake_at(), Some(play.now.plus_millis(10_000)), "with a time limit of its own");
    assert_eq!(play.play_well(), RunStatus::Success);
    assert!(!play.machine.timed_out());
}

#[test]
fn a_run_that_did_everything_has_nothing_to_repeat() {
    let mut play = Play::started(job_of([step_of("a", &[])]));
    play.play_well();
    assert!(play.machine.message(&again()).is_empty());
    let named = play.machine.message(&InboxMessage::Retry { steps: vec!["a".into()] });
    assert!(!named.is_empty(), "unless it is named");
}
