//! What holds of every run: random graphs, random outcomes, crashes anywhere.

use lorchestra_core::instance::{JobInstance, OnFailure};
use lorchestra_core::run::journal::Event;
use lorchestra_core::run::record::StepStatus;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use testkit::{job_of, sealed, step_of};

use crate::play::{Play, fails, gives, slips};

#[derive(Debug, Clone)]
struct StepPlan {
    needs: u8,
    allowed: bool,
    when: u8,
}

fn job(plans: &[StepPlan], max_parallel: u32, on_failure: u8) -> JobInstance {
    let steps = plans.iter().enumerate().map(|(position, plan)| {
        let needs: Vec<String> =
            (0..position).filter(|need| plan.needs >> need & 1 == 1).map(|need| format!("s{need}")).collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        let mut step = step_of(&format!("s{position}"), &needs);
        step.continue_on_error = plan.allowed;
        step.when = match (plan.when, needs.first()) {
            (0, Some(need)) => Some(format!("steps.{need}.status == 'failed'")),
            (1, _) => Some("1 == 2".into()),
            _ => None,
        };
        step
    });
    let mut job = job_of(steps);
    job.max_parallel = max_parallel;
    job.on_failure = [OnFailure::Finish, OnFailure::Cancel, OnFailure::Continue][usize::from(on_failure) % 3];
    sealed(job)
}

fn plans() -> impl Strategy<Value = Vec<StepPlan>> {
    let plan = (any::<u8>(), any::<bool>(), 0..6_u8).prop_map(|(needs, allowed, when)| StepPlan {
        needs,
        allowed,
        when,
    });
    vec(plan, 1..8)
}

/// Every step ends once, and begins only after its needs ended.
fn check(play: &Play) -> Result<(), TestCaseError> {
    let mut ended: Vec<&str> = Vec::new();
    for entry in &play.entries {
        let end = match &entry.event {
            Event::StepDispatched(dispatched) => {
                let step = play.instance.steps.iter().find(|step| step.step_id == dispatched.step).unwrap();
                for need in &step.needs {
                    prop_assert!(
                        ended.contains(&need.as_str()),
                        "{} began before {need} ended",
                        step.step_id
                    );
                }
                prop_assert!(!ended.contains(&dispatched.step.as_str()));
                continue;
            }
            Event::StepSucceeded(end) => &end.step,
            Event::StepFailed(end) if end.retry_at.is_none() => &end.step,
            Event::StepSkipped(end) => &end.step,
            Event::StepCancelled(end) => &end.step,
            _ => continue,
        };
        prop_assert!(!ended.contains(&end.as_str()), "{end} ended twice");
        ended.push(end);
    }
    prop_assert_eq!(ended.len(), play.instance.steps.len());
    for outcome in play.machine.outcomes() {
        prop_assert!(outcome.status.is_terminal());
        if matches!(outcome.status, StepStatus::Completed | StepStatus::Failed) {
            prop_assert!(outcome.started_at.is_some() && outcome.completed_at.is_some());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_run_ends_with_every_step_ended_once(
        plans in plans(),
        max_parallel in 1..4_u32,
        on_failure in any::<u8>(),
        choices in vec((any::<u8>(), 0..8_u8), 1..40),
    ) {
        let mut play = Play::started(job(&plans, max_parallel, on_failure));
        let mut choices = choices.into_iter().chain(std::iter::repeat((0, 0)));
        for _ in 0..500 {
            if play.machine.status().is_terminal() {
                break;
            }
            if play.under.is_empty() {
                let wake_at = play.machine.wake_at();
                prop_assert!(wake_at.is_some_and(|at| at > play.now), "stuck: {}", play.states());
                play.now = wake_at.unwrap();
                play.settle();
                continue;
            }
            prop_assert!(play.under.len() <= max_parallel as usize);
            let (which, how) = choices.next().unwrap();
            let step = play.under[usize::from(which) % play.under.len()].step.clone();
            match how {
                5 => play.end(&step, fails("no")),
                6 => play.end(&step, slips("once more")),
                7 => play.crash(),
                _ => play.end(&step, gives(json!({"ok": true}))),
            }
        }
        prop_assert!(play.machine.status().is_terminal(), "{}", play.states());
        check(&play)?;
    }
}
