//! Which step waits for which: `needs` resolved to positions, cycles found.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics, codes, did_you_mean, quoted};
use crate::job_def::JobDef;

/// The steps of a job by id, and what each needs.
pub(super) struct Graph<'a> {
    positions: BTreeMap<&'a str, usize>,
    needs: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    /// The graph of `job`. Needs that are wrong are reported and left out.
    pub(super) fn new(job: &'a JobDef, diagnostics: &mut Diagnostics) -> Self {
        let positions: BTreeMap<&str, usize> =
            job.steps.iter().enumerate().map(|(position, step)| (step.step_id.as_str(), position)).collect();
        let mut needs = Vec::with_capacity(job.steps.len());
        for (position, step) in job.steps.iter().enumerate() {
            let Some(names) = &step.needs else {
                // without the key a step needs the one above it
                needs.push(position.checked_sub(1).into_iter().collect());
                continue;
            };
            let mut own = Vec::with_capacity(names.len());
            for name in names {
                match positions.get(name.as_str()) {
                    Some(&needed) if needed == position => diagnostics.push(
                        Diagnostic::error(codes::NEEDS_CYCLE, format!("step {} needs itself", quoted(name)))
                            .at(&job.source, name.span),
                    ),
                    Some(&needed) if own.contains(&needed) => {}
                    Some(&needed) => own.push(needed),
                    None => diagnostics.push(unknown_step(job, name).at(&job.source, name.span)),
                }
            }
            needs.push(own);
        }
        let graph = Self { positions, needs };
        graph.report_cycles(job, diagnostics);
        graph
    }

    pub(super) fn position(&self, step_id: &str) -> Option<usize> {
        self.positions.get(step_id).copied()
    }

    /// The steps that the one at `position` needs itself.
    pub(super) fn needs(&self, position: usize) -> &[usize] {
        self.needs.get(position).map_or(&[], Vec::as_slice)
    }

    /// Whether `earlier` has ended for certain when `later` starts.
    pub(super) fn is_before(&self, earlier: usize, later: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = self.needs(later).to_vec();
        while let Some(position) = open.pop() {
            if position == earlier {
                return true;
            }
            if seen.insert(position) {
                open.extend(self.needs(position));
            }
        }
        false
    }

    /// Takes away steps that need nothing any more; what stays is on a cycle, or waits for one.
    fn report_cycles(&self, job: &JobDef, diagnostics: &mut Diagnostics) {
        let mut waits_for: Vec<usize> = self.needs.iter().map(Vec::len).collect();
        let mut needed_by = vec![Vec::new(); self.needs.len()];
        for (position, needs) in self.needs.iter().enumerate() {
            needs.iter().for_each(|needed| needed_by[*needed].push(position));
        }
        let mut free: Vec<usize> =
            (0..waits_for.len()).filter(|position| waits_for[*position] == 0).collect();
        while let Some(position) = free.pop() {
            for &waiting in &needed_by[position] {
                waits_for[waiting] -= 1;
                if waits_for[waiting] == 0 {
                    free.push(waiting);
                }
            }
        }
        let mut told = BTreeSet::new();
        for start in (0..waits_for.len()).filter(|position| waits_for[*position] > 0) {
            let cycle = self.cycle_from(start, &waits_for);
            // a walk that meets a cycle told before ends there
            if cycle.iter().any(|position| told.contains(position)) {
                continue;
            }
            told.extend(cycle.iter().copied());
            // told from the step that stands first in the file
            let first =
                cycle.iter().enumerate().min_by_key(|(_, position)| **position).map_or(0, |(at, _)| at);
            let names: Vec<&str> = (0..=cycle.len())
                .map(|offset| job.steps[cycle[(first + offset) % cycle.len()]].step_id.as_str())
                .collect();
            let message = format!("steps wait for each other: {}", names.join(" needs "));
            let step = &job.steps[cycle[first]];
            let span = step
                .needs
                .as_ref()
                .and_then(|needs| needs.first())
                .map_or(step.step_id.span, |need| need.span);
            diagnostics.push(Diagnostic::error(codes::NEEDS_CYCLE, message).at(&job.source, span));
        }
    }

    /// The cycle that a walk along needs from `start` runs into; `start` waits for one.
    fn cycle_from(&self, start: usize, waits_for: &[usize]) -> Vec<usize> {
        let mut way = vec![start];
        let mut seen = BTreeMap::from([(start, 0)]);
        let mut position = start;
        while let Some(&next) = self.needs(position).iter().find(|needed| waits_for[**needed] > 0) {
            if let Some(&from) = seen.get(&next) {
                return way.split_off(from);
            }
            seen.insert(next, way.len());
            way.push(next);
            position = next;
        }
        way
    }
}

/// `there is no step 'raed'`, with the closest ones.
pub(super) fn unknown_step(job: &JobDef, name: &str) -> Diagnostic {
    const SHOWN: usize = 20;
    let ids = || job.steps.iter().map(|step| step.step_id.as_str());
    let help = did_you_mean(name, ids()).unwrap_or_else(|| {
        let more = if job.steps.len() > SHOWN { ", …" } else { "" };
        format!("the steps are {}{more}", ids().take(SHOWN).collect::<Vec<_>>().join(", "))
    });
    Diagnostic::error(codes::UNKNOWN_STEP, format!("there is no step {}", quoted(name))).help(help)
}
