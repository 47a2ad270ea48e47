//! `when`, what compiling skipped, and what a skip means for the steps after it.

use lorchestra_core::run::record::{RunStatus, StepStatus};
use serde_json::json;
use testkit::{job_of, step_of};

use crate::play::{Play, fails, gives};

fn after_a(when: &str) -> Play {
    let mut b = step_of("b", &["a"]);
    b.when = Some(when.into());
    Play::started(job_of([step_of("a", &[]), b]))
}

#[test]
fn when_decides_whether_a_step_runs() {
    let mut play = after_a("run.a.n > 1");
    play.end("a", gives(json!({"n": 2})));
    assert_eq!(play.under_way(), ["b"]);

    let mut play = after_a("run.a.n > 1");
    play.end("a", gives(json!({"n": 1})));
    assert_eq!(play.why("b"), "when is false: run.a.n > 1");
    assert_eq!(play.machine.status(), RunStatus::Success);
    let skipped = play.outcome("b");
    assert_eq!((skipped.started_at, skipped.tries), (None, 0));
}

#[test]
fn a_condition_that_cannot_be_judged_fails_its_step() {
    let mut play = after_a("run.a.n > 1");
    play.end("a", gives(json!({"n": "text"})));
    assert_eq!(play.outcome("b").error.unwrap().error_type, "invalid_condition");
    assert_eq!(play.machine.status(), RunStatus::Failed);
}

#[test]
fn a_condition_over_states_reacts_to_a_failure() {
    for (when, runs) in [("steps.a.status == 'failed'", true), ("steps.a.status == 'completed'", false)] {
        let mut play = after_a(when);
        play.end("a", fails("no"));
        assert_eq!(play.under_way() == ["b"], runs, "{when}");
        play.play_well();
        assert_eq!(play.machine.status(), RunStatus::Failed, "a reaction does not undo the failure");
    }
}

#[test]
fn a_compiled_skip_is_a_skip_with_its_reason() {
    let mut a = step_of("a", &[]);
    a.compiled_skip = Some("if is false: payload.full".into());
    let mut play = Play::started(job_of([a, step_of("b", &["a"]), step_of("c", &[])]));
    assert_eq!(play.why("a"), "if is false: payload.full");
    assert_eq!(play.why("b"), "upstream skipped (a)");
    assert_eq!(play.under_way(), ["c"]);
    assert_eq!(play.play_well(), RunStatus::Success);
}

#[test]
fn a_chain_of_skips_names_the_first_cause() {
    let steps = || {
        [
            step_of("a", &[]),
            step_of("b", &["a"]),
            step_of("c", &["b"]),
            step_of("d", &["c"]),
            step_of("side", &[]),
            step_of("e", &["side"]),
            step_of("f", &["e"]),
        ]
    };
    let mut play = Play::started(job_of(steps()));
    play.end("a", fails("no"));
    for step in ["b", "c", "d"] {
        assert_eq!(play.why(step), "upstream failed (a)", "{step}");
    }
    play.end("side", gives(json!({})));
    for step in ["e", "f"] {
        assert_eq!(play.status(step), StepStatus::Skipped);
        assert_eq!(play.why(step), "not started: step 'a' failed", "{step}");
    }
}
