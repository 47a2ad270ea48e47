//! How failures, cancellation and time limits end a run.

use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::StepError;
use lorchestra_core::instance::{JobInstance, OnFailure};
use lorchestra_core::run::TryResult;
use lorchestra_core::run::record::{RunStatus, StepStatus};
use lorchestra_core::run_store::InboxMessage;
use serde_json::json;
use testkit::{job_of, sealed, step_of};

use crate::play::{Play, START, fails, gives, slips};

fn two_branches(on_failure: OnFailure) -> JobInstance {
    let mut job = job_of([
        step_of("bad", &[]),
        step_of("long", &[]),
        step_of("after_bad", &["bad"]),
        step_of("after_long", &["long"]),
    ]);
    job.on_failure = on_failure;
    sealed(job)
}

fn stopped() -> TryResult {
    Err(StepError::permanent("cancelled", "stopped"))
}

#[test]
fn finish_lets_what_runs_end_and_starts_nothing_new() {
    let mut play = Play::started(two_branches(OnFailure::Finish));
    play.end("bad", fails("no"));
    assert_eq!(play.under_way(), ["long"]);
    assert!(play.stopped.is_empty());
    play.end("long", gives(json!({})));
    assert_eq!(play.states(), "bad failed, long completed, after_bad skipped, after_long skipped");
    assert_eq!(play.machine.status(), RunStatus::Failed);
}

#[test]
fn cancel_stops_what_runs() {
    let mut play = Play::started(two_branches(OnFailure::Cancel));
    play.end("bad", fails("no"));
    assert_eq!(play.stopped, ["long"]);
    assert_eq!(play.machine.status(), RunStatus::Running, "what runs is awaited");
    play.end("long", stopped());
    assert_eq!(play.states(), "bad failed, long cancelled, after_bad skipped, after_long skipped");
    assert_eq!(play.why("long"), "step 'bad' failed");
    assert_eq!(play.machine.status(), RunStatus::Failed);
}

#[test]
fn cancel_leaves_the_steps_alone_that_react_to_the_failure() {
    let mut tidy = step_of("tidy", &["bad"]);
    tidy.when = Some("steps.bad.status == 'failed'".into());
    let mut job = job_of([step_of("bad", &[]), step_of("long", &[]), tidy]);
    job.on_failure = OnFailure::Cancel;
    let mut play = Play::started(sealed(job));
    play.end("bad", fails("no"));
    assert_eq!(play.stopped, ["long"]);
    assert_eq!(play.under_way(), ["long", "tidy"]);
    play.end("long", stopped());
    assert_eq!(play.stopped, ["long"], "the reaction goes on");
    play.end("tidy", slips("once"));
    assert_eq!(play.status("tidy"), StepStatus::Waiting, "it is tried again like any other");
    play.crash();
    assert_eq!(play.play_well(), RunStatus::Failed);
    assert_eq!(play.states(), "bad failed, long cancelled, tidy completed");
}

#[test]
fn continue_goes_on_with_independent_branches() {
    let mut play = Play::started(two_branches(OnFailure::Continue));
    play.end("bad", fails("no"));
    play.end("long", gives(json!({})));
    assert_eq!(play.under_way(), ["after_long"]);
    play.end("after_long", gives(json!({})));
    assert_eq!(play.states(), "bad failed, long completed, after_bad skipped, after_long completed");
    assert_eq!(play.machine.status(), RunStatus::Failed);
}

#[test]
fn a_failure_that_is_allowed_gives_its_error_and_satisfies_needs() {
    let mut a = step_of("a", &[]);
    a.continue_on_error = true;
    let mut play = Play::started(job_of([a, step_of("b", &["a"])]));
    play.end("a", fails("no"));
    assert_eq!(play.status("a"), StepStatus::Failed);
    let output = play.machine.output("a").unwrap().value.clone();
    assert_eq!(output, json!({"error": {"type": "broken", "message": "no"}}));
    assert_eq!(play.under_way(), ["b"]);
    play.end("b", gives(json!({})));
    assert_eq!(play.machine.status(), RunStatus::SuccessWithErrors);
}

#[test]
fn cancel_stops_running_steps_and_skips_the_others() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("w", &[]), step_of("b", &["a"])]));
    play.end("w", slips("again"));
    assert_eq!(play.status("w"), StepStatus::Waiting);
    play.tell(InboxMessage::Cancel { why: "by hand".into() });
    play.tell(InboxMessage::Cancel { why: "again".into() });
    assert_eq!(play.stopped, ["a"], "once");
    assert_eq!(play.status("w"), StepStatus::Cancelled);
    assert_eq!(play.status("a"), StepStatus::Running, "it is recorded when it has ended");
    play.end("a", stopped());
    assert_eq!(play.states(), "a cancelled, w cancelled, b skipped");
    assert_eq!((play.why("a"), play.why("b")), ("by hand".into(), "run cancelled: by hand".into()));
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
}

#[test]
fn a_step_that_ends_well_although_stopped_is_completed() {
    let mut play = Play::started(job_of([step_of("a", &[]), step_of("b", &["a"])]));
    play.tell(InboxMessage::Cancel { why: "by hand".into() });
    play.end("a", gives(json!({})));
    assert_eq!(play.states(), "a completed, b skipped");
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
}

#[test]
fn a_queued_run_can_be_cancelled() {
    let mut play = Play::queued(job_of([step_of("a", &[])]));
    play.tell(InboxMessage::Cancel { why: "by hand".into() });
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
    assert_eq!(play.states(), "a skipped");
}

fn limited() -> JobInstance {
    let mut job = job_of([step_of("a", &[]), step_of("b", &["a"])]);
    job.timeout_s = Some(10.0);
    sealed(job)
}

#[test]
fn a_run_over_its_time_is_cancelled_and_sleeps_while_its_steps_stop() {
    let mut play = Play::started(limited());
    assert_eq!(play.machine.wake_at(), Some(START.plus_millis(10_000)));
    play.after_ms(9_999);
    assert!(play.stopped.is_empty());
    play.after_ms(1);
    assert_eq!(play.stopped, ["a"]);
    assert_eq!(play.machine.wake_at(), None, "a limit that has struck wakes nobody again");
    play.end("a", stopped());
    assert!(play.machine.timed_out());
    assert_eq!(play.states(), "a cancelled, b skipped");
    assert_eq!(play.machine.status(), RunStatus::Cancelled);
}

#[test]
fn a_run_whose_steps_have_all_ended_is_not_over_its_time() {
    let mut job = limited();
    job.steps[0].continue_on_error = true;
    let mut play = Play::started(sealed(job));
    play.end("a", fails("allowed"));
    play.now = START.plus_millis(20_000);
    play.end("b", gives(json!({})));
    assert_eq!(play.machine.status(), RunStatus::SuccessWithErrors);
    assert!(!play.machine.timed_out());
}

#[test]
fn no_retry_begins_beyond_the_limit_of_the_run() {
    let mut play = Play::started(limited());
    let mut error = StepError::retryable("busy", "later");
    error.retry_after_ms = Some(60_000);
    play.end("a", Err(error));
    assert_eq!(play.status("a"), StepStatus::Failed);
}

#[test]
fn a_slot_that_is_taken_wakes_nobody_for_a_retry_that_is_due() {
    let mut job = job_of([step_of("a", &[]), step_of("b", &[])]);
    job.max_parallel = 1;
    let mut play = Play::started(sealed(job));
    play.end("a", slips("once"));
    assert_eq!(play.under_way(), ["b"]);
    play.after_ms(60_000);
    let wakes: Option<Timestamp> = play.machine.wake_at();
    assert_eq!(wakes, None, "only the end of 'b' frees a slot");
    play.end("b", gives(json!({})));
    assert_eq!(play.under_way(), ["a"]);
}
