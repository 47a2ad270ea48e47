//! Gives runs to workers: leases by the store's clock, cut short when the holder's process is gone.

use std::sync::Arc;

use async_trait::async_trait;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::run_store::{Claim, ClaimOutcome, ClaimRuns, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteRunStore;
use super::fault::Fault;
use super::worker_lock::WorkerLocks;

/// A run that may be claimed.
struct Candidate {
    run_no: i64,
    run_id: String,
    epoch: i64,
    reclaimed: bool,
}

fn claim(
    connection: &Connection,
    locks: &WorkerLocks,
    worker: &str,
    (now, lease_until): (i64, i64),
    limit: usize,
) -> Result<Vec<Claim>, Fault> {
    let mut candidates = orphans(connection, locks, now, limit)?;
    candidates.append(&mut due(connection, now, limit - candidates.len())?);
    candidates.into_iter().map(|candidate| take(connection, candidate, worker, lease_until)).collect()
}

/// Runs whose holder is gone: its lease ran out, or the lock of its process is free.
fn orphans(
    connection: &Connection,
    locks: &WorkerLocks,
    now: i64,
    limit: usize,
) -> Result<Vec<Candidate>, Fault> {
    let mut orphans = Vec::new();
    for worker in holders(connection)? {
        let expired_at = if locks.is_gone(&worker) { i64::MAX } else { now };
        let mut select = connection.prepare_cached(
            "SELECT run_no, run_id, epoch FROM runs \
             WHERE worker = ?1 AND lease_until <= ?2 AND quarantine IS NULL ORDER BY run_no LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = select.query(params![worker, expired_at, limit])?;
        while let Some(row) = rows.next()? {
            orphans.push(Candidate {
                run_no: row.get(0)?,
                run_id: row.get(1)?,
                epoch: row.get(2)?,
                reclaimed: true,
            });
        }
    }
    orphans.sort_unstable_by_key(|candidate| candidate.run_no);
    orphans.truncate(limit);
    Ok(orphans)
}

/// Every worker that holds a run, found by one seek each, however many runs they hold.
fn holders(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut next = connection.prepare_cached(
        "SELECT worker FROM runs WHERE worker IS NOT NULL AND worker > ?1 ORDER BY worker LIMIT 1",
    )?;
    let mut holders = Vec::new();
    let mut last = String::new();
    while let Some(worker) = next.query_row([&last], |row| row.get::<_, String>(0)).optional()? {
        holders.push(worker.clone());
        last = worker;
    }
    Ok(holders)
}

/// Runs that nobody holds and whose time has come.
fn due(connection: &Connection, now: i64, limit: usize) -> Result<Vec<Candidate>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT run_no, run_id, epoch FROM runs \
         WHERE worker IS NULL AND wake_at IS NOT NULL AND quarantine IS NULL AND wake_at <= ?1 \
         ORDER BY wake_at, run_no LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = select.query_map(params![now, limit], |row| {
        Ok(Candidate { run_no: row.get(0)?, run_id: row.get(1)?, epoch: row.get(2)?, reclaimed: false })
    })?;
    Ok(due.collect::<Result<_, _>>()?)
}

fn take(
    connection: &Connection,
    candidate: Candidate,
    worker: &str,
    lease_until: i64,
) -> Result<Claim, Fault> {
    let epoch = candidate.epoch + 1;
    connection
        .prepare_cached("UPDATE runs SET worker = ?2, lease_until = ?3, epoch = ?4 WHERE run_no = ?1")?
        .execute(params![candidate.run_no, worker, lease_until, epoch])?;
    Ok(Claim { run_id: candidate.run_id, epoch: epoch.cast_unsigned(), reclaimed: candidate.reclaimed })
}

fn claim_run(
    connection: &Connection,
    locks: &WorkerLocks,
    run_id: &str,
    worker: &str,
    (now, lease_until): (i64, i64),
) -> Result<ClaimOutcome, Fault> {
    let found: Option<(i64, i64, Option<String>, Option<i64>)> = connection
        .prepare_cached("SELECT run_no, epoch, worker, lease_until FROM runs WHERE run_id = ?1")?
        .query_row([run_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((run_no, epoch, holder, until)) = found else {
        return Err(StoreError::NotFound(run_id.to_owned()).into());
    };
    let reclaimed = holder.is_some();
    if let (Some(holder), Some(until)) = (holder, until)
        && until > now
        && !locks.is_gone(&holder)
    {
        return Ok(ClaimOutcome::Held { worker: holder, until: Timestamp::from_micros(until) });
    }
    let candidate = Candidate { run_no, run_id: run_id.to_owned(), epoch, reclaimed };
    take(connection, candidate, worker, lease_until).map(ClaimOutcome::Claimed)
}

/// That `epoch` is the current claim of the run; gives the run's number.
fn check_claim(connection: &Connection, run_id: &str, epoch: u64) -> Result<i64, Fault> {
    let found: Option<(i64, i64, bool)> = connection
        .prepare_cached("SELECT run_no, epoch, worker IS NOT NULL FROM runs WHERE run_id = ?1")?
        .query_row([run_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match found {
        None => Err(StoreError::NotFound(run_id.to_owned()).into()),
        Some((run_no, current, true)) if current.cast_unsigned() == epoch => Ok(run_no),
        Some((_, current, _)) => {
            Err(StoreError::StaleEpoch { run_id: run_id.to_owned(), epoch, current: current.cast_unsigned() }
                .into())
        }
    }
}

impl SqliteRunStore {
    /// Takes the lock of `worker` for as long as this store is open: while it is held, the worker's leases last until
    /// they run out; once it is free, they are over at once. Claiming does this by itself when it was not done.
    ///
    /// # Errors
    /// `Unavailable` when a living process has that id, `Unusable` when the id is no file name or the directory of
    /// the locks cannot be written.
    pub async fn register_worker(&self, worker: &str) -> Result<(), StoreError> {
        if self.locks().holds(worker) {
            return Ok(());
        }
        let _one_at_a_time = self.registering().await;
        if self.locks().holds(worker) {
            return Ok(());
        }
        let lock = self.locks().acquire(worker)?;
        // the lock was free, so whoever had this id before is gone
        let id = worker.to_owned();
        self.write(move |connection| {
            connection.prepare_cached("UPDATE runs SET lease_until = 0 WHERE worker = ?1")?.execute([&id])?;
            Ok(())
        })
        .await?;
        self.locks().keep(worker, lock);
        Ok(())
    }
}

/// Now, and the end of a lease that begins now.
fn lease(now: Timestamp, lease_ms: u64) -> (i64, i64) {
    (now.as_micros(), now.plus_millis(lease_ms).as_micros())
}

#[async_trait]
impl ClaimRuns for SqliteRunStore {
    async fn claim(&self, worker: &str, lease_ms: u64, limit: usize) -> Result<Vec<Claim>, StoreError> {
        self.register_worker(worker).await?;
        let (clock, locks, worker) = (self.clock(), Arc::clone(self.locks()), worker.to_owned());
        self.write(move |connection| claim(connection, &locks, &worker, lease(clock.now(), lease_ms), limit))
            .await
    }

    async fn claim_run(&self, run_id: &str, worker: &str, lease_ms: u64) -> Result<ClaimOutcome, StoreError> {
        self.register_worker(worker).await?;
        let (clock, locks) = (self.clock(), Arc::clone(self.locks()));
        let (run_id, worker) = (run_id.to_owned(), worker.to_owned());
        self.write(move |connection| {
            claim_run(connection, &locks, &run_id, &worker, lease(clock.now(), lease_ms))
        })
        .await
    }

    async fn heartbeat(&self, run_id: &str, epoch: u64, lease_ms: u64) -> Result<(), StoreError> {
        let (clock, run_id) = (self.clock(), run_id.to_owned());
        self.write(move |connection| {
            let run_no = check_claim(connection, &run_id, epoch)?;
            let (_, lease_until) = lease(clock.now(), lease_ms);
            connection
                .prepare_cached("UPDATE runs SET lease_until = ?2 WHERE run_no = ?1")?
                .execute([run_no, lease_until])?;
            Ok(())
        })
        .await
    }

    async fn release(&self, run_id: &str, epoch: u64) -> Result<(), StoreError> {
        let (clock, run_id) = (self.clock(), run_id.to_owned());
        self.write(move |connection| {
            let run_no = check_claim(connection, &run_id, epoch)?;
            // no other state has anything to do before its time, so a run must not be left in these two
            connection
                .prepare_cached(
                    "UPDATE runs SET worker = NULL, lease_until = NULL, wake_at = CASE \
                     WHEN status IN ('queued', 'running') THEN min(coalesce(wake_at, ?2), ?2) ELSE wake_at END \
                     WHERE run_no = ?1",
                )?
                .execute([run_no, clock.now().as_micros()])?;
            Ok(())
        })
        .await
    }

    async fn quarantine(&self, run_id: &str, epoch: u64, why: &str) -> Result<(), StoreError> {
        let (run_id, why) = (run_id.to_owned(), why.to_owned());
        self.write(move |connection| {
            let run_no = check_claim(connection, &run_id, epoch)?;
            connection
                .prepare_cached(
                    "UPDATE runs SET worker = NULL, lease_until = NULL, quarantine = ?2 WHERE run_no = ?1",
                )?
                .execute(params![run_no, why])?;
            Ok(())
        })
        .await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers().read(|connection| {
            let earliest: Option<i64> = connection
                .prepare_cached(
                    "SELECT wake_at FROM runs WHERE worker IS NULL AND wake_at IS NOT NULL AND quarantine IS NULL \
                     ORDER BY wake_at LIMIT 1",
                )?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(earliest.map(Timestamp::from_micros))
        })
    }
}
