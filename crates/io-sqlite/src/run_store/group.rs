//! Led group commit: many writers, one connection, one transaction for all that wait.
//!
//! Whoever finds the connection free leads: on its own thread it takes everything that waits, commits it in one
//! transaction and tells the others. What arrives meanwhile waits, and one of those who wait leads the next group. A
//! lone writer leads every time and pays for no thread, channel or timer. An operation checks everything before it
//! writes anything, so one that is refused harms nobody in its group. It does not know what the operations are.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lorchestra_core::run_store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault::{Fault, of_sql};

/// Operations in one transaction at most: bounds how long the last of them waits.
const GROUP_LIMIT: usize = 1024;

/// The writing connection and the operations that wait for it.
pub(super) struct Group {
    path: PathBuf,
    connection: Mutex<Connection>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Whether somebody leads, or was told to.
    led: bool,
}

struct Waiting {
    job: Box<dyn Job>,
    /// How its owner is told; the leader's own has none.
    turn: Option<oneshot::Sender<Turn>>,
}

/// What one who waits is told.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// The operation was settled by another.
    Settled,
    /// The connection is free and the operation is still to do: lead.
    Lead,
}

/// An operation, whatever it gives.
trait Job: Send {
    /// Does it. An error means that it may have written a part. It may be done again after a rollback.
    fn perform(&mut self, connection: &Connection) -> Result<(), rusqlite::Error>;

    /// Tells its owner what came of it, or `failure` when that overrides it.
    fn settle(self: Box<Self>, failure: Option<StoreError>);
}

type Slot<T> = Arc<Mutex<Option<Result<T, StoreError>>>>;

struct Operation<T, F> {
    operation: F,
    answer: Option<Result<T, StoreError>>,
    slot: Slot<T>,
}

impl<T, F> Job for Operation<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Fault> + Send,
{
    fn perform(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        self.answer = match (self.operation)(connection) {
            Ok(value) => Some(Ok(value)),
            Err(Fault::Refused(refusal)) => Some(Err(refusal)),
            Err(Fault::Sql(error)) => return Err(error),
        };
        Ok(())
    }

    fn settle(self: Box<Self>, failure: Option<StoreError>) {
        let answer = match failure {
            Some(failure) => Some(Err(failure)),
            None => self.answer,
        };
        *lock(&self.slot) = answer;
    }
}

/// A transaction that did not come about.
enum Broken {
    /// It did not begin; nothing was written.
    Begin(rusqlite::Error),
    /// An operation failed; all were rolled back.
    Operation(rusqlite::Error),
    /// COMMIT failed: it may have happened or not.
    Commit(rusqlite::Error),
}

impl Group {
    pub(super) fn new(path: PathBuf, connection: Connection) -> Self {
        Self { path, connection: Mutex::new(connection), state: Mutex::new(State::default()) }
    }

    /// Performs `operation` in a transaction, with whatever else waits, and returns when that is committed.
    ///
    /// `operation` may run more than once; only one run is committed. When the returned future is dropped before it is
    /// ready, the operation is still committed or was never begun.
    pub(super) async fn submit<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let slot: Slot<T> = Arc::default();
        let mut seat = self.enter(Box::new(Operation { operation, answer: None, slot: Arc::clone(&slot) }));
        match &mut seat.turn {
            // others that are ready to write now may join: on one thread they could not while the commit blocks it
            None => tokio::task::yield_now().await,
            Some(turn) => seat.leads = matches!(turn.await, Ok(Turn::Lead)),
        }
        seat.leave();
        let answer = lock(&slot).take();
        answer.unwrap_or_else(|| Err(StoreError::Unknown("the commit was abandoned by its leader".into())))
    }

    fn enter(&self, job: Box<dyn Job>) -> Seat<'_> {
        let mut state = lock(&self.state);
        let leads = !state.led;
        let (sender, receiver) = if leads {
            state.led = true;
            (None, None)
        } else {
            let (sender, receiver) = oneshot::channel();
            (Some(sender), Some(receiver))
        };
        state.waiting.push_back(Waiting { job, turn: sender });
        Seat { group: self, turn: receiver, leads }
    }

    /// Commits what waits, then lets another lead.
    fn lead(&self) {
        let _successor = HandOver(self);
        let group = lock(&self.state).take_group();
        self.commit(group);
    }

    /// Lets one of those who wait lead. When all of them have gone away, what they left is committed here.
    fn hand_over(&self) {
        loop {
            let abandoned = {
                let mut state = lock(&self.state);
                if state.waiting.is_empty() {
                    state.led = false;
                    return;
                }
                if state.appoint() {
                    return;
                }
                state.take_group()
            };
            self.commit(abandoned);
        }
    }

    fn commit(&self, mut group: Vec<Waiting>) {
        let connection = lock(&self.connection);
        match self.transact(&connection, &mut group) {
            Ok(()) => group.into_iter().for_each(|waiting| waiting.settle(None)),
            Err(Broken::Operation(_)) if group.len() > 1 => {
                // one of them is at fault: each by itself, and only that one fails
                for waiting in group {
                    let mut alone = [waiting];
                    let failure = self.transact(&connection, &mut alone).err();
                    let [waiting] = alone;
                    waiting.settle(failure.map(|broken| self.failure(&broken)));
                }
            }
            Err(broken) => {
                for waiting in group {
                    waiting.settle(Some(self.failure(&broken)));
                }
            }
        }
    }

    fn transact(&self, connection: &Connection, group: &mut [Waiting]) -> Result<(), Broken> {
        if !connection.is_autocommit() {
            // left open by a leader that panicked
            roll_back(connection);
        }
        execute(connection, "BEGIN IMMEDIATE").map_err(Broken::Begin)?;
        for waiting in group {
            if let Err(error) = waiting.job.perform(connection) {
                roll_back(connection);
                return Err(Broken::Operation(error));
            }
        }
        execute(connection, "COMMIT").map_err(|error| {
            roll_back(connection);
            Broken::Commit(error)
        })
    }

    fn failure(&self, broken: &Broken) -> StoreError {
        match broken {
            Broken::Begin(error) | Broken::Operation(error) => of_sql(error, &self.path),
            Broken::Commit(error) => StoreError::Unknown(of_sql(error, &self.path).to_string()),
        }
    }
}

impl State {
    fn take_group(&mut self) -> Vec<Waiting> {
        let size = self.waiting.len().min(GROUP_LIMIT);
        self.waiting.drain(..size).collect()
    }

    /// Tells the first who still waits to lead, and puts its operation first.
    fn appoint(&mut self) -> bool {
        for position in 0..self.waiting.len() {
            let accepted =
                self.waiting[position].turn.take().is_some_and(|turn| turn.send(Turn::Lead).is_ok());
            if accepted {
                if let Some(leader) = self.waiting.remove(position) {
                    self.waiting.push_front(leader);
                }
                return true;
            }
        }
        false
    }
}

impl Waiting {
    fn settle(self, failure: Option<StoreError>) {
        self.job.settle(failure);
        if let Some(turn) = self.turn {
            // an owner that went away does not want to know
            let _ = turn.send(Turn::Settled);
        }
    }
}

/// A place in the queue. Whoever leaves it while leading, for whatever reason, commits the group first: leadership is
/// never lost.
struct Seat<'a> {
    group: &'a Group,
    turn: Option<oneshot::Receiver<Turn>>,
    leads: bool,
}

impl Seat<'_> {
    fn leave(self) {
        drop(self);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.close();
            self.leads |= matches!(turn.try_recv(), Ok(Turn::Lead));
        }
        if self.leads {
            self.group.lead();
        }
    }
}

/// Hands leadership over when it is dropped, after a panic too.
struct HandOver<'a>(&'a Group);

impl Drop for HandOver<'_> {
    fn drop(&mut self) {
        self.0.hand_over();
    }
}

fn execute(connection: &Connection, statement: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}

fn roll_back(connection: &Connection) {
    // SQLite may have rolled back by itself, as it does on a full disk; then there is nothing to end
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "rolling back a transaction of the run store failed");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
