//! Giving runs to workers.

use async_trait::async_trait;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::run::record::RunStatus;
use lorchestra_core::run_store::{Claim, ClaimOutcome, ClaimRuns, StoreError};

use super::{Holder, MemoryRunStore, Run, State};

impl State {
    fn is_orphan(&self, run: &Run, now: Timestamp) -> bool {
        let over = |holder: &Holder| holder.until <= now || self.gone.contains(&holder.worker);
        run.holder.as_ref().is_some_and(over)
    }

    /// A worker that died and is there again has lost what it held.
    fn comes_back(&mut self, worker: &str, now: Timestamp) {
        if self.gone.remove(worker) {
            let holders = self.runs.iter_mut().filter_map(|run| run.holder.as_mut());
            holders.filter(|holder| holder.worker == worker).for_each(|holder| holder.until = now);
        }
    }

    /// Positions of the runs to claim, in the order they are given out.
    fn claimable(&self, now: Timestamp) -> Vec<usize> {
        let open = || self.runs.iter().enumerate().filter(|(_, run)| run.quarantine.is_none());
        let mut positions: Vec<usize> =
            open().filter(|(_, run)| self.is_orphan(run, now)).map(|(position, _)| position).collect();
        let mut due: Vec<(Timestamp, usize)> = open()
            .filter(|(_, run)| run.holder.is_none())
            .filter_map(|(position, run)| run.wake_at.map(|wake_at| (wake_at, position)))
            .filter(|(wake_at, _)| *wake_at <= now)
            .collect();
        due.sort_unstable();
        positions.extend(due.into_iter().map(|(_, position)| position));
        positions
    }
}

impl Run {
    fn take(&mut self, worker: &str, until: Timestamp) -> Claim {
        let reclaimed = self.holder.is_some();
        self.holder = Some(Holder { worker: worker.to_owned(), until });
        self.epoch += 1;
        Claim { run_id: self.record.run_id.clone(), epoch: self.epoch, reclaimed }
    }
}

#[async_trait]
impl ClaimRuns for MemoryRunStore {
    async fn claim(&self, worker: &str, lease_ms: u64, limit: usize) -> Result<Vec<Claim>, StoreError> {
        let mut state = self.state();
        state.comes_back(worker, self.clock.now());
        let now = self.clock.now();
        let positions: Vec<usize> = state.claimable(now).into_iter().take(limit).collect();
        Ok(positions
            .into_iter()
            .map(|position| state.runs[position].take(worker, now.plus_millis(lease_ms)))
            .collect())
    }

    async fn claim_run(&self, run_id: &str, worker: &str, lease_ms: u64) -> Result<ClaimOutcome, StoreError> {
        let mut state = self.state();
        state.comes_back(worker, self.clock.now());
        let now = self.clock.now();
        let position = state.position(run_id)?;
        let orphan = state.is_orphan(&state.runs[position], now);
        let run = &mut state.runs[position];
        match &run.holder {
            Some(holder) if !orphan => {
                Ok(ClaimOutcome::Held { worker: holder.worker.clone(), until: holder.until })
            }
            _ => Ok(ClaimOutcome::Claimed(run.take(worker, now.plus_millis(lease_ms)))),
        }
    }

    async fn heartbeat(&self, run_id: &str, epoch: u64, lease_ms: u64) -> Result<(), StoreError> {
        let mut state = self.state();
        let until = self.clock.now().plus_millis(lease_ms);
        let run = state.claimed(run_id, epoch)?;
        if let Some(holder) = &mut run.holder {
            holder.until = until;
        }
        Ok(())
    }

    async fn release(&self, run_id: &str, epoch: u64) -> Result<(), StoreError> {
        let mut state = self.state();
        let now = self.clock.now();
        let run = state.claimed(run_id, epoch)?;
        run.holder = None;
        if matches!(run.record.status, RunStatus::Queued | RunStatus::Running) {
            run.wake_at = Some(run.wake_at.map_or(now, |wake_at| wake_at.min(now)));
        }
        Ok(())
    }

    async fn quarantine(&self, run_id: &str, epoch: u64, why: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        let run = state.claimed(run_id, epoch)?;
        run.holder = None;
        run.quarantine = Some(why.to_owned());
        Ok(())
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state();
        let free = state.runs.iter().filter(|run| run.holder.is_none() && run.quarantine.is_none());
        Ok(free.filter_map(|run| run.wake_at).min())
    }
}
