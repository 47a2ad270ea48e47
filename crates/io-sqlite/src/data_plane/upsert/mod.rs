//! Upsert: all rows in one transaction, counted truthfully, the answer stored with them.
//!
//! The async half feeds batches; the blocking half (`write`) owns the connection and the transaction. Whatever ends
//! the feed other than its `End` rolls back. What is done with a row is decided in `rows`.

mod rows;
mod shape;
mod touched;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use lorchestra_core::clock::Timestamp;
use lorchestra_json::RowBatch;
use rusqlite::{Connection, Transaction};
use storacle_client::table::TableSchema;
use storacle_client::{CallMeta, RowStream, StoracleError, UpsertCounts, UpsertSpec};
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};

use self::rows::RowWriter;
use super::begin::begin;
use super::halt::Halt;
use super::{catalog, ddl, error, halt, ledger};

/// Batches on their way to the writer: one in work, one ready.
const QUEUED_BATCHES: usize = 2;

/// What the feed carries.
enum Feed {
    Rows(RowBatch),
    Broken(StoracleError),
    End,
}

/// One upsert, with all it needs to know.
pub(super) struct Upsert {
    pub(super) meta: CallMeta,
    pub(super) spec: UpsertSpec,
    /// The table as it is declared, when it is.
    pub(super) declared: Option<TableSchema>,
    pub(super) now: Timestamp,
    /// How long to wait for other processes.
    pub(super) patience: Duration,
    pub(super) halt: Arc<Halt>,
}

/// Performs it on `connection`.
pub(super) async fn perform(
    upsert: Upsert,
    mut connection: OwnedMutexGuard<Connection>,
    mut rows: RowStream,
) -> Result<UpsertCounts, StoracleError> {
    let (feed, batches) = mpsc::channel(QUEUED_BATCHES);
    let (wanted, rows_are_wanted) = oneshot::channel();
    let halt = Arc::clone(&upsert.halt);
    let work = tokio::task::spawn_blocking(move || {
        upsert.halt.watch(&mut connection).map_err(|error| error::of_write(&error))?;
        let outcome = upsert.write(&connection, batches, wanted);
        halt::release(&mut connection);
        outcome.map_err(|error| upsert.halt.explain(error))
    });
    // not wanted: the answer is there already, or the work ended with an error
    if rows_are_wanted.await.is_ok() {
        let stopped = pin!(halt.raised());
        let feeding = pin!(async {
            loop {
                let item = match rows.next().await {
                    Some(Ok(batch)) => Feed::Rows(batch),
                    Some(Err(error)) => Feed::Broken(error),
                    None => Feed::End,
                };
                let is_last = !matches!(item, Feed::Rows(_));
                if feed.send(item).await.is_err() || is_last {
                    break;
                }
            }
        });
        match select(feeding, stopped).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }
    drop(feed);
    work.await.map_err(|error| StoracleError::WriteFailed {
        message: format!("the write broke off: {error}"),
        retryable: false,
    })?
}

impl Upsert {
    /// The blocking half. Tells `wanted` when rows are needed.
    fn write(
        &self,
        connection: &Connection,
        mut batches: mpsc::Receiver<Feed>,
        wanted: oneshot::Sender<()>,
    ) -> Result<UpsertCounts, StoracleError> {
        ddl::check_table_name(&self.spec.table)?;
        let transaction = begin(connection, &self.halt, self.patience)?;
        if let Some(answer) = ledger::find(&transaction, &self.meta)? {
            return Ok(answer);
        }
        let stored = self.table(&transaction)?;
        let mut writer = RowWriter::new(&transaction, &stored, self)?;
        // the receiver is there as long as the call is; without it the feed ends at once
        let _ = wanted.send(());
        loop {
            match batches.blocking_recv() {
                Some(Feed::Rows(batch)) => {
                    if let Some(reason) = self.halt.reason() {
                        return Err(reason);
                    }
                    writer.write(&batch)?;
                }
                Some(Feed::Broken(error)) => return Err(error),
                Some(Feed::End) => break,
                None => return Err(self.halt.reason().unwrap_or(StoracleError::Cancelled)),
            }
        }
        let counts = writer.finish();
        if let Some(reason) = self.halt.reason() {
            return Err(reason);
        }
        ledger::record(&transaction, &self.meta, &counts, self.now)?;
        transaction.commit().map_err(|error| error::of_write(&error))?;
        Ok(counts)
    }

    /// The table to write to; a declared one is created when it is not there.
    fn table(&self, transaction: &Transaction<'_>) -> Result<catalog::Stored, StoracleError> {
        if let Some(declared) = &self.declared {
            catalog::create(transaction, declared)?;
        }
        let table = &self.spec.table;
        let stored = catalog::load(transaction, table).map_err(|error| error::of_write(&error))?;
        let stored = stored.ok_or_else(|| catalog::not_found(transaction, table))?;
        match stored.read_only {
            None => Ok(stored),
            Some(what) => Err(StoracleError::SchemaMismatch {
                message: format!("'{table}' is {what}: rows cannot be written to it"),
            }),
        }
    }
}
