//! Connections that read: opened when they are needed, a few kept. A reader never waits for the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use storacle_client::StoracleError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::halt::Halt;
use super::{error, halt, open};

/// So many reads at once; more wait.
const READERS: usize = 32;
/// So many connections are kept for later.
const KEPT: usize = 4;

/// Where readers come from.
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, busy_timeout: Duration) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(READERS));
        Arc::new(Self { path, busy_timeout, idle: Mutex::new(Vec::new()), permits })
    }

    /// The right to read, when it is this call's turn.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, StoracleError> {
        let closed = |_| StoracleError::Unavailable { message: "the data plane is closed".to_owned() };
        Arc::clone(&self.permits).acquire_owned().await.map_err(closed)
    }

    /// Runs `work` on a reader that stops when `halt` says so. Blocks.
    pub(super) fn run<T>(
        &self,
        halt: &Arc<Halt>,
        work: impl FnOnce(&Connection) -> Result<T, StoracleError>,
    ) -> Result<T, StoracleError> {
        if let Some(reason) = halt.reason() {
            return Err(reason);
        }
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => open::reader(&self.path, self.busy_timeout).map_err(|error| error::of_read(&error))?,
        };
        halt.watch(&mut connection).map_err(|error| error::of_read(&error))?;
        let outcome = work(&connection);
        halt::release(&mut connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        drop(idle);
        outcome.map_err(|error| halt.explain(error))
    }
}
