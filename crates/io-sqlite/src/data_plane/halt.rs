//! When a call has to stop: its caller says so, its time is over, or nobody waits for its rows any more.
//!
//! SQLite asks every few thousand steps of a statement. An interrupt from outside would be lost between two statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lorchestra_core::clock::Clock;
use rusqlite::Connection;
use storacle_client::{CallMeta, StopFlag, StoracleError};
use tokio::sync::Notify;

use super::error;

/// About a tenth of a millisecond of work.
const STEPS_BETWEEN_QUESTIONS: i32 = 10_000;

/// Whether one call has to stop.
pub(super) struct Halt {
    stop: StopFlag,
    abandoned: AtomicBool,
    deadline_us: Option<i64>,
    clock: Arc<dyn Clock>,
    told: Arc<Told>,
}

/// What the caller's hook does.
#[derive(Default)]
struct Told {
    stopped: AtomicBool,
    wakes: Notify,
}

impl Halt {
    pub(super) fn new(meta: &CallMeta, clock: Arc<dyn Clock>) -> Arc<Self> {
        let told = Arc::new(Told::default());
        let hook = Arc::clone(&told);
        (meta.stop.on_stop)(Box::new(move || {
            hook.stopped.store(true, Ordering::SeqCst);
            hook.wakes.notify_one();
        }));
        Arc::new(Self {
            stop: meta.stop.clone(),
            abandoned: AtomicBool::new(false),
            deadline_us: meta.deadline_us,
            clock,
            told,
        })
    }

    /// Nobody waits for the result any more.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Why to stop, when there is a reason.
    pub(super) fn reason(&self) -> Option<StoracleError> {
        if self.abandoned.load(Ordering::Relaxed) || self.is_stopped() {
            Some(StoracleError::Cancelled)
        } else if self.is_late() {
            Some(StoracleError::Timeout { message: "the deadline of the call has passed".to_owned() })
        } else {
            None
        }
    }

    fn is_stopped(&self) -> bool {
        self.told.stopped.load(Ordering::SeqCst) || (self.stop.is_stopped)()
    }

    fn is_late(&self) -> bool {
        self.deadline_us.is_some_and(|deadline| self.clock.now().as_micros() > deadline)
    }

    /// Returns when the caller raised its flag.
    pub(super) async fn raised(&self) {
        while !self.is_stopped() {
            self.told.wakes.notified().await;
        }
    }

    /// Makes statements of `connection` ask, until `release`.
    pub(super) fn watch(self: &Arc<Self>, connection: &mut Connection) -> rusqlite::Result<()> {
        let halt = Arc::clone(self);
        connection.progress_handler(STEPS_BETWEEN_QUESTIONS, Some(move || halt.reason().is_some()))
    }

    /// `error`, or the reason to stop when it only says that SQLite was interrupted.
    pub(super) fn explain(&self, error: StoracleError) -> StoracleError {
        match error {
            StoracleError::Cancelled => self.reason().unwrap_or(StoracleError::Cancelled),
            other => other,
        }
    }
}

/// Statements of `connection` ask nobody any more.
pub(super) fn release(connection: &mut Connection) {
    let nobody: Option<fn() -> bool> = None;
    if let Err(problem) = connection.progress_handler(STEPS_BETWEEN_QUESTIONS, nobody) {
        tracing::warn!(error = %error::text(&problem), "the progress handler could not be removed");
    }
}
