//! Appends to journals under an epoch, and leaves messages without one.

use async_trait::async_trait;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::run_store::{Append, Commit, InboxMessage, StoreError};
use lorchestra_json::Sha256;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteRunStore;
use super::create::{PreparedRun, insert_artifact_refs, insert_entries};
use super::fault::Fault;
use super::row::{MAX_SEQ, StoredEntry, encode_entries, invalid, progress_text, seq_at};

/// A commit checked and encoded, before it waits for the connection.
struct PreparedCommit {
    run_id: String,
    epoch: u64,
    expected_seq: u64,
    entries: Vec<StoredEntry>,
    /// Status and the half of the row that changes.
    row: Option<(&'static str, String)>,
    wake_at: Option<i64>,
    artifacts: Vec<Sha256>,
    take_inbox: Vec<u64>,
    children: Vec<PreparedRun>,
    notify_parent: Option<(String, String)>,
}

/// Where a run stands just now.
struct Head {
    run_no: i64,
    wake_at: Option<i64>,
    quarantined: bool,
    has_messages: bool,
}

impl PreparedCommit {
    fn new(run_id: &str, epoch: u64, expected_seq: u64, commit: Commit) -> Result<Self, StoreError> {
        let row = match &commit.record {
            Some(record) if record.run_id == run_id => Some((record.status.as_str(), progress_text(record)?)),
            Some(record) => {
                return Err(invalid(run_id, format!("the row to store is that of run '{}'", record.run_id)));
            }
            None => None,
        };
        let notify_parent = match commit.notify_parent {
            Some((parent, message)) => Some((parent, message_text(run_id, &message)?)),
            None => None,
        };
        let children = commit.children.into_iter().map(PreparedRun::new).collect::<Result<Vec<_>, _>>()?;
        for (position, child) in children.iter().enumerate() {
            if children[..position].iter().any(|earlier| earlier.clashes_with(child)) {
                return Err(invalid(run_id, format!("it starts child '{}' twice", child.run_id())));
            }
        }
        Ok(Self {
            run_id: run_id.to_owned(),
            epoch,
            expected_seq,
            entries: encode_entries(run_id, expected_seq, &commit.entries)?,
            row,
            wake_at: commit.wake_at.map(Timestamp::as_micros),
            artifacts: commit.artifacts,
            take_inbox: commit.take_inbox,
            children,
            notify_parent,
        })
    }

    /// Every check, then every write: a refused commit has written nothing.
    fn perform(&self, connection: &Connection, now: i64) -> Result<(), Fault> {
        let head = self.check_head(connection)?;
        let parent = self.check_references(connection, head.run_no)?;
        let new_children = self.check_children(connection)?;

        insert_entries(connection, head.run_no, &self.entries)?;
        insert_artifact_refs(connection, head.run_no, self.artifacts.iter())?;
        for message in &self.take_inbox {
            connection.prepare_cached("DELETE FROM inbox WHERE id = ?1")?.execute([message.cast_signed()])?;
        }
        for child in new_children {
            child.insert(connection, now)?;
        }
        if let (Some(parent_no), Some((_, message))) = (parent, &self.notify_parent) {
            insert_message(connection, parent_no, message, now)?;
        }
        self.update_row(connection, &head, now)
    }

    fn check_head(&self, connection: &Connection) -> Result<Head, Fault> {
        let mut select = connection.prepare_cached(
            "SELECT run_no, epoch, worker IS NOT NULL, wake_at, quarantine IS NOT NULL, \
             EXISTS (SELECT 1 FROM inbox WHERE inbox.run_no = runs.run_no), \
             (SELECT pos FROM journal WHERE pos BETWEEN runs.run_no << 24 AND runs.run_no << 24 | 16777215 \
              ORDER BY pos DESC LIMIT 1) \
             FROM runs WHERE run_id = ?1",
        )?;
        let mut rows = select.query([&self.run_id])?;
        let Some(row) = rows.next()? else {
            return Err(StoreError::NotFound(self.run_id.clone()).into());
        };
        let current = row.get::<_, i64>(1)?.cast_unsigned();
        if self.epoch != current || !row.get::<_, bool>(2)? {
            let run_id = self.run_id.clone();
            return Err(StoreError::StaleEpoch { run_id, epoch: self.epoch, current }.into());
        }
        let actual = row.get::<_, Option<i64>>(6)?.map_or(0, seq_at);
        if self.expected_seq != actual {
            let run_id = self.run_id.clone();
            return Err(StoreError::StaleSeq { run_id, expected: self.expected_seq, actual }.into());
        }
        Ok(Head {
            run_no: row.get(0)?,
            wake_at: row.get(3)?,
            quarantined: row.get(4)?,
            has_messages: row.get(5)?,
        })
    }

    /// That the messages to take are there, and the parent to tell is; gives the parent's number.
    fn check_references(&self, connection: &Connection, run_no: i64) -> Result<Option<i64>, Fault> {
        for message in &self.take_inbox {
            let waits = connection
                .prepare_cached("SELECT 1 FROM inbox WHERE id = ?1 AND run_no = ?2")?
                .exists(params![message.cast_signed(), run_no])?;
            if !waits {
                return Err(invalid(&self.run_id, format!("no message {message} waits for it")).into());
            }
        }
        match &self.notify_parent {
            Some((parent, _)) => run_no_of(connection, parent).map(Some),
            None => Ok(None),
        }
    }

    /// The children that do not exist yet. One that exists under its key must be the one that the entries name.
    fn check_children(&self, connection: &Connection) -> Result<Vec<&PreparedRun>, Fault> {
        let mut new = Vec::with_capacity(self.children.len());
        for child in &self.children {
            match child.find(connection)? {
                None => new.push(child),
                Some(run_id) if run_id == child.run_id() => {}
                Some(run_id) => {
                    let why = format!("child '{}' exists under its key as run '{run_id}'", child.run_id());
                    return Err(invalid(&self.run_id, why).into());
                }
            }
        }
        Ok(new)
    }

    /// Writes the run's row if it differs from what is stored; in the middle of a linear run it does not.
    fn update_row(&self, connection: &Connection, head: &Head, now: i64) -> Result<(), Fault> {
        let messages_left = head.has_messages
            && (self.take_inbox.is_empty()
                || connection
                    .prepare_cached("SELECT 1 FROM inbox WHERE run_no = ?1")?
                    .exists([head.run_no])?);
        let wake_at = if messages_left {
            Some(self.wake_at.into_iter().chain(head.wake_at).fold(now, i64::min))
        } else {
            self.wake_at
        };
        if let Some((status, progress)) = &self.row {
            connection
                .prepare_cached(
                    "UPDATE runs SET status = ?2, progress = ?3, wake_at = ?4, quarantine = NULL WHERE run_no = ?1",
                )?
                .execute(params![head.run_no, status, progress, wake_at])?;
        } else if wake_at != head.wake_at || head.quarantined {
            connection
                .prepare_cached("UPDATE runs SET wake_at = ?2, quarantine = NULL WHERE run_no = ?1")?
                .execute(params![head.run_no, wake_at])?;
        }
        Ok(())
    }
}

/// The number of a run.
pub(super) fn run_no_of(connection: &Connection, run_id: &str) -> Result<i64, Fault> {
    connection
        .prepare_cached("SELECT run_no FROM runs WHERE run_id = ?1")?
        .query_row([run_id], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::NotFound(run_id.to_owned()).into())
}

fn message_text(run_id: &str, message: &InboxMessage) -> Result<String, StoreError> {
    serde_json::to_string(message)
        .map_err(|error| invalid(run_id, format!("the message cannot be stored: {error}")))
}

fn insert_message(connection: &Connection, run_no: i64, message: &str, now: i64) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO inbox (run_no, body) VALUES (?1, ?2)")?
        .execute(params![run_no, message])?;
    connection
        .prepare_cached("UPDATE runs SET wake_at = min(coalesce(wake_at, ?2), ?2) WHERE run_no = ?1")?
        .execute(params![run_no, now])?;
    Ok(())
}

#[async_trait]
impl Append for SqliteRunStore {
    async fn append(
        &self,
        run_id: &str,
        epoch: u64,
        expected_seq: u64,
        commit: Commit,
    ) -> Result<(), StoreError> {
        if expected_seq > MAX_SEQ {
            return Err(invalid(run_id, format!("a journal holds at most {MAX_SEQ} entries")));
        }
        let commit = PreparedCommit::new(run_id, epoch, expected_seq, commit)?;
        let clock = self.clock();
        self.write(move |connection| commit.perform(connection, clock.now().as_micros())).await
    }

    async fn send(&self, run_id: &str, message: InboxMessage) -> Result<(), StoreError> {
        let message = message_text(run_id, &message)?;
        let run_id = run_id.to_owned();
        let clock = self.clock();
        self.write(move |connection| {
            let run_no = run_no_of(connection, &run_id)?;
            insert_message(connection, run_no, &message, clock.now().as_micros())
        })
        .await
    }
}
