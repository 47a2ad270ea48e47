//! Who drives which run: one run on request, or whatever is due, for as long as the process lives.

use std::time::Duration;

use lorchestra_core::run::record::RunRecord;
use lorchestra_core::run_store::{ClaimOutcome, StoreError};
use tokio::task::JoinSet;

use crate::{DriveEnd, Engine, EngineError};

/// A run that waits for something in the far future is looked at so often.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Engine {
    /// Drives one run until it ends, waking with its timers; ends early when it is paused or the engine shuts down.
    ///
    /// # Errors
    /// As `drive`; and `Held` when a living worker has it.
    pub async fn run_to_end(&self, run_id: &str) -> Result<DriveEnd, EngineError> {
        loop {
            let config = &self.parts.config;
            let lease_ms = u64::try_from(config.lease.as_millis()).unwrap_or(u64::MAX);
            let claim = match self.parts.store.claim_run(run_id, &config.worker, lease_ms).await? {
                ClaimOutcome::Claimed(claim) => claim,
                ClaimOutcome::Held { worker, .. } => {
                    return Err(EngineError::Held { run_id: run_id.to_owned(), worker });
                }
            };
            match self.drive(claim).await? {
                DriveEnd::Waiting(Some(wake_at)) => {
                    let nap = Duration::from_millis(wake_at.millis_since(self.parts.clock.now()).max(1))
                        .min(LONGEST_NAP);
                    if self.nap(nap, run_id).await {
                        return Ok(DriveEnd::ShutDown);
                    }
                }
                end => return Ok(end),
            }
        }
    }

    /// Sleeps until `nap` is over or somebody left a message; `true` when the engine shuts down.
    async fn nap(&self, nap: Duration, run_id: &str) -> bool {
        let until = tokio::time::Instant::now() + nap;
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return true,
                () = tokio::time::sleep_until(until) => return false,
                () = tokio::time::sleep(self.parts.config.inbox_poll) => {
                    if self.parts.store.inbox(run_id).await.is_ok_and(|rows| !rows.is_empty()) {
                        return false;
                    }
                }
            }
        }
    }

    /// Claims and drives whatever is due until the engine shuts down. One run's failure leaves the others alone.
    ///
    /// # Errors
    /// When the store cannot be used at all; one that is unavailable is asked again.
    pub async fn work(&self) -> Result<(), EngineError> {
        let mut drives: JoinSet<()> = JoinSet::new();
        let config = self.parts.config.clone();
        let lease_ms = u64::try_from(config.lease.as_millis()).unwrap_or(u64::MAX);
        while !self.shutdown.is_cancelled() {
            while drives.try_join_next().is_some() {}
            let free = config.max_parallel.saturating_sub(drives.len());
            let nudged = self.nudge.notified();
            let claims = match self.parts.store.claim(&config.worker, lease_ms, free).await {
                Ok(claims) => claims,
                Err(error @ (StoreError::Unavailable(_) | StoreError::Unknown(_))) => {
                    tracing::warn!(%error, "no run could be claimed; trying again");
                    Vec::new()
                }
                Err(error) => return Err(error.into()),
            };
            for claim in claims {
                let engine = self.clone();
                drives.spawn(async move {
                    let run_id = claim.run_id.clone();
                    if let Err(error) = engine.drive(claim).await {
                        tracing::error!(run_id, %error, "a run could not be driven on");
                    }
                });
            }
            let wake = self.parts.store.next_wake().await.ok().flatten();
            // with no room a due run can wait: the end of a drive wakes this
            let nap = wake.filter(|_| drives.len() < config.max_parallel).map_or(config.sweep, |at| {
                Duration::from_millis(at.millis_since(self.parts.clock.now()).max(1))
            });
            tokio::select! {
                () = nudged => {}
                () = self.shutdown.cancelled() => {}
                Some(_) = drives.join_next(), if !drives.is_empty() => {}
                () = tokio::time::sleep(nap.min(config.sweep)) => {}
            }
        }
        while drives.join_next().await.is_some() {}
        Ok(())
    }

    /// The run's row.
    ///
    /// # Errors
    /// When the store fails or has no such run.
    pub async fn record(&self, run_id: &str) -> Result<RunRecord, EngineError> {
        Ok(self.parts.store.load_run(run_id).await?.record)
    }
}
