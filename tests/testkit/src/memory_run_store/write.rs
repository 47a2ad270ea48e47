//! Creating runs and appending to them.

use async_trait::async_trait;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::run_store::{
    Append, Commit, CreateRun, Created, InboxMessage, InboxRow, NewRun, StoreError,
};

use super::{MemoryRunStore, Run, State, checks};

fn invalid(run_id: &str, why: String) -> StoreError {
    StoreError::Invalid { run_id: run_id.to_owned(), why }
}

impl State {
    /// The run there is under the key or the id of `new`.
    fn existing(&self, new: &NewRun) -> Result<Option<String>, StoreError> {
        let record = &new.record;
        if let Some(key) = &record.idempotency_key
            && let Some(run) = self.runs.iter().find(|run| run.record.idempotency_key.as_ref() == Some(key))
        {
            let run_id = run.record.run_id.clone();
            return if run.request_sha256 == new.request_sha256 {
                Ok(Some(run_id))
            } else {
                Err(StoreError::KeyConflict { key: key.clone(), run_id })
            };
        }
        match self.find(&record.run_id) {
            Err(_) => Ok(None),
            Ok(run)
                if run.request_sha256 == new.request_sha256
                    && run.record.idempotency_key == record.idempotency_key =>
            {
                Ok(Some(record.run_id.clone()))
            }
            Ok(_) => Err(invalid(&record.run_id, "another run has this id".into())),
        }
    }

    fn insert(&mut self, new: NewRun, now: Timestamp) {
        self.runs.push(Run {
            record: new.record,
            instance: new.instance,
            request_sha256: new.request_sha256,
            entries: new.entries,
            inbox: Vec::new(),
            artifacts: new.artifacts.into_iter().collect(),
            epoch: 0,
            holder: None,
            wake_at: Some(now),
            quarantine: None,
        });
    }

    fn leave(&mut self, position: usize, message: InboxMessage, now: Timestamp) {
        self.last_message += 1;
        let run = &mut self.runs[position];
        run.inbox.push(InboxRow { id: self.last_message, message });
        run.wake_at = Some(run.wake_at.map_or(now, |wake_at| wake_at.min(now)));
    }

    fn append(
        &mut self,
        run_id: &str,
        epoch: u64,
        expected_seq: u64,
        commit: Commit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        check_alone(run_id, expected_seq, &commit).map_err(|why| invalid(run_id, why))?;
        let run = self.claimed(run_id, epoch)?;
        let actual = run.last_seq();
        if actual != expected_seq {
            return Err(StoreError::StaleSeq { run_id: run_id.to_owned(), expected: expected_seq, actual });
        }
        for id in &commit.take_inbox {
            if !run.inbox.iter().any(|row| row.id == *id) {
                return Err(invalid(run_id, format!("no message {id} waits for it")));
            }
        }
        let position = self.position(run_id)?;
        let parent = match &commit.notify_parent {
            Some((parent, _)) => Some(self.position(parent)?),
            None => None,
        };
        let mut new_children = Vec::new();
        for child in &commit.children {
            match self.existing(child)? {
                None => new_children.push(child.clone()),
                Some(existing) if existing == child.record.run_id => {}
                Some(existing) => {
                    let why =
                        format!("child '{}' exists under its key as run '{existing}'", child.record.run_id);
                    return Err(invalid(run_id, why));
                }
            }
        }
        checks::commit(&self.runs[position], &commit).map_err(|why| invalid(run_id, why))?;

        for child in new_children {
            self.insert(child, now);
        }
        if let (Some(parent), Some((_, message))) = (parent, commit.notify_parent) {
            self.leave(parent, message, now);
        }
        let run = &mut self.runs[position];
        run.entries.extend(commit.entries);
        run.artifacts.extend(commit.artifacts);
        run.inbox.retain(|row| !commit.take_inbox.contains(&row.id));
        run.wake_at = if run.inbox.is_empty() {
            commit.wake_at
        } else {
            commit.wake_at.into_iter().chain(run.wake_at).chain([now]).min()
        };
        if let Some(record) = commit.record {
            run.record = record;
        }
        run.quarantine = None;
        Ok(())
    }
}

/// What is wrong with a commit whatever is stored.
fn check_alone(run_id: &str, expected_seq: u64, commit: &Commit) -> checks::Problem {
    checks::entries(expected_seq, &commit.entries)?;
    if let Some(record) = commit.record.as_ref().filter(|record| record.run_id != run_id) {
        return Err(format!("the row to store is that of run '{}'", record.run_id));
    }
    for (position, child) in commit.children.iter().enumerate() {
        checks::new_run(child)?;
        let clash = commit.children[..position].iter().any(|earlier| {
            earlier.record.run_id == child.record.run_id
                || child.record.idempotency_key.is_some()
                    && earlier.record.idempotency_key == child.record.idempotency_key
        });
        if clash {
            return Err(format!("it starts child '{}' twice", child.record.run_id));
        }
        if child.record.parent_run_id.as_deref() != Some(run_id) {
            return Err(format!("it starts run '{}', which names another parent", child.record.run_id));
        }
    }
    Ok(())
}

#[async_trait]
impl CreateRun for MemoryRunStore {
    async fn create_run(&self, run: NewRun) -> Result<Created, StoreError> {
        checks::new_run(&run).map_err(|why| invalid(&run.record.run_id, why))?;
        let mut state = self.state();
        if let Some(run_id) = state.existing(&run)? {
            return Ok(Created::Existing { run_id });
        }
        state.insert(run, self.clock.now());
        Ok(Created::New)
    }
}

#[async_trait]
impl Append for MemoryRunStore {
    async fn append(
        &self,
        run_id: &str,
        epoch: u64,
        expected_seq: u64,
        commit: Commit,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let now = self.clock.now();
        let unknown = || StoreError::Unknown("as the test wants it".into());
        match state.unknown.take() {
            Some(false) => Err(unknown()),
            Some(true) => state.append(run_id, epoch, expected_seq, commit, now).and(Err(unknown())),
            None => state.append(run_id, epoch, expected_seq, commit, now),
        }
    }

    async fn send(&self, run_id: &str, message: InboxMessage) -> Result<(), StoreError> {
        let mut state = self.state();
        let position = state.position(run_id)?;
        state.leave(position, message, self.clock.now());
        Ok(())
    }
}
