//! What the store in memory demands beyond the contract: everything that would let a mistake of the engine pass.

use std::collections::HashSet;

use lorchestra_core::artifact::ArtifactAt;
use lorchestra_core::run::journal::{Dispatched, Event, JournalEntry};
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{Commit, NewRun};
use lorchestra_json::Sha256;

use super::Run;

/// What is wrong.
pub(super) type Problem = Result<(), String>;

fn demand(holds: bool, why: impl FnOnce() -> String) -> Problem {
    if holds { Ok(()) } else { Err(why()) }
}

/// Entries that follow `last`, and come back from their stored form as they were.
pub(super) fn entries(last: u64, entries: &[JournalEntry]) -> Problem {
    for (expected, entry) in (last + 1..).zip(entries) {
        demand(entry.seq == expected, || format!("entry {} stands where {expected} is due", entry.seq))?;
        let name = entry.event.type_name();
        let read = Event::decode(entry.event.encode().as_bytes());
        demand(read.as_ref().is_ok_and(|read| *read == entry.event), || {
            format!("entry {expected} ({name}) does not come back from its stored form: {read:?}")
        })?;
    }
    Ok(())
}

/// A run that is consistent and has not begun.
pub(super) fn new_run(run: &NewRun) -> Problem {
    let NewRun { record, instance, .. } = run;
    demand(record.instance_sha256 == instance.instance_sha256, || {
        "its record names another instance than the one to store".into()
    })?;
    let Some(Event::RunCreated(created)) = run.entries.first().map(|entry| &entry.event) else {
        return Err("its journal does not begin with run_created".into());
    };
    entries(0, &run.entries)?;
    demand(instance.digest() == instance.instance_sha256, || {
        "its instance does not hash to its digest".into()
    })?;
    demand(created.instance_sha256 == record.instance_sha256, || {
        "run_created names another instance".into()
    })?;
    demand(created.envelope == record.envelope, || "run_created has another envelope".into())?;
    demand(created.mode == record.mode, || "run_created has another mode".into())?;
    demand(record.envelope.job_id == instance.job_id, || "its envelope names another job".into())?;
    demand(record.job_def_sha256 == instance.job_def_sha256, || "its record names another job text".into())?;
    demand(record.status == RunStatus::Queued, || format!("a new run is queued, not {}", record.status))?;
    demand(record.parent_step_id.is_none() || record.parent_run_id.is_some(), || {
        "it has a parent step without a parent run".into()
    })?;
    times(record)
}

/// A commit that `run` can take: what it holds, and what follows from what is stored.
pub(super) fn commit(run: &Run, commit: &Commit) -> Problem {
    entries(run.entries.len() as u64, &commit.entries)?;
    ended(run, commit)?;
    if let Some(record) = &commit.record {
        fixed_half(&run.record, record)?;
        times(record)?;
        transition(run.record.status, record.status, has(commit, |e| matches!(e, Event::RetryRequested(_))))?;
    }
    let status = commit.record.as_ref().map_or(run.record.status, |record| record.status);
    wake(status, commit)?;
    named_artifacts(run, commit)
}

fn has(commit: &Commit, wanted: impl Fn(&Event) -> bool) -> bool {
    commit.entries.iter().any(|entry| wanted(&entry.event))
}

/// `run_finished` and the row's end come together, and nothing but a retry follows.
fn ended(run: &Run, commit: &Commit) -> Problem {
    let mut open = !run.record.status.is_terminal();
    for entry in &commit.entries {
        match &entry.event {
            Event::RetryRequested(_) => open = true,
            Event::RunClaimed(_) => {}
            other => {
                demand(open, || format!("{} comes after the end of the run", other.type_name()))?;
                open = !matches!(other, Event::RunFinished(_));
            }
        }
    }
    let finished = commit.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::RunFinished(finished) => Some(finished.status),
        _ => None,
    });
    let row = commit.record.as_ref().map(|record| record.status);
    if let Some(status) = finished {
        demand(status.is_terminal(), || format!("run_finished says {status}"))?;
        demand(row == Some(status), || format!("run_finished says {status}, the row {row:?}"))?;
    } else if let Some(status) = row.filter(|status| status.is_terminal()) {
        demand(status == run.record.status, || format!("the row says {status} without run_finished"))?;
    }
    Ok(())
}

fn transition(from: RunStatus, to: RunStatus, retried: bool) -> Problem {
    let legal = match (from, to) {
        (from, to) if from == to => true,
        (from, _) if from.is_terminal() => retried,
        (_, RunStatus::Queued) => false,
        _ => true,
    };
    demand(legal, || format!("a run that is {from} cannot become {to}"))
}

fn fixed_half(stored: &RunRecord, new: &RunRecord) -> Problem {
    let same = stored.run_id == new.run_id
        && stored.job_def_sha256 == new.job_def_sha256
        && stored.instance_sha256 == new.instance_sha256
        && stored.envelope == new.envelope
        && stored.parent_run_id == new.parent_run_id
        && stored.parent_step_id == new.parent_step_id
        && stored.mode == new.mode
        && stored.created_at == new.created_at
        && stored.idempotency_key == new.idempotency_key;
    demand(same, || "the row changes what never changes of a run".into())
}

fn times(record: &RunRecord) -> Problem {
    let RunRecord { status, started_at, completed_at, duration_ms, .. } = record;
    demand(completed_at.is_some() == status.is_terminal(), || {
        format!("a run that is {status} has completed_at {completed_at:?}")
    })?;
    demand(duration_ms.is_none() || status.is_terminal(), || {
        format!("a run that is {status} has a duration")
    })?;
    demand(*status != RunStatus::Queued || started_at.is_none(), || "a queued run has started".into())?;
    demand(*status != RunStatus::Running || started_at.is_some(), || "a running run has not started".into())
}

/// A waiting run must not sleep past a timer that its own commit sets; an ended one does not wake.
fn wake(status: RunStatus, commit: &Commit) -> Problem {
    if status.is_terminal() {
        return demand(commit.wake_at.is_none(), || format!("a run that is {status} is to be woken"));
    }
    if status != RunStatus::Waiting {
        return Ok(());
    }
    let timers = commit.entries.iter().filter_map(|entry| match &entry.event {
        Event::StepFailed(failed) => failed.retry_at,
        Event::StepWaiting(waiting) => waiting.until,
        _ => None,
    });
    match (timers.min(), commit.wake_at) {
        (Some(timer), Some(wake_at)) => demand(wake_at <= timer, || format!("it sleeps past {timer}")),
        (Some(timer), None) => Err(format!("it waits for {timer} and is never woken")),
        (None, _) => Ok(()),
    }
}

/// Every artifact that an entry names is kept from collection.
fn named_artifacts(run: &Run, commit: &Commit) -> Problem {
    let kept: HashSet<&Sha256> =
        commit.artifacts.iter().chain(&run.artifacts).chain(run.instance.resources.values()).collect();
    for entry in &commit.entries {
        let named: &[ArtifactAt] = match &entry.event {
            Event::StepSucceeded(succeeded) => &succeeded.output.artifacts,
            Event::RunFinished(finished) => &finished.result.artifacts,
            Event::StepDispatched(dispatched) => match &dispatched.manifest {
                Dispatched::Whole(manifest) => &manifest.artifacts,
                Dispatched::Same(_) => &[],
            },
            _ => &[],
        };
        for artifact in named {
            let digest = artifact.handle.sha256;
            demand(kept.contains(&digest), || {
                format!("entry {} names artifact sha256:{digest}, which the commit does not list", entry.seq)
            })?;
        }
    }
    Ok(())
}
