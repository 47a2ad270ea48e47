//! Runs one reading statement and streams its rows. What the statement is, others decide.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::future::{Either, select};
use lorchestra_json::{RowBatch, RowBatchBuilder};
use rusqlite::{Connection, Statement};
use serde_json::Value;
use storacle_client::{RowStream, SqlQuery, StoracleError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::halt::Halt;
use super::pool::Readers;
use super::render::Renderer;
use super::{error, value};

/// Batches on their way to the reader's caller.
const QUEUED_BATCHES: usize = 2;

/// What an error of SQLite means, in the words of the statement its author wrote.
type Explain = Box<dyn Fn(&Connection, &rusqlite::Error) -> StoracleError + Send>;

/// A statement that reads, ready to run.
pub(super) struct Reading {
    /// The text, and a value for each `@name` in it.
    pub(super) query: SqlQuery,
    /// Columns of the result whose text is to be parsed as JSON.
    pub(super) parse_json_columns: Vec<String>,
    /// What an error of SQLite means.
    pub(super) explain: Explain,
}

/// One message of the blocking half; `None` is the end of the rows.
type Message = Result<Option<RowBatch>, StoracleError>;

/// Runs it; returns when the first batch is there, so that a wrong statement is the call's error.
pub(super) async fn stream(
    readers: Arc<Readers>,
    halt: Arc<Halt>,
    prepare: impl FnOnce(&Connection) -> Result<Reading, StoracleError> + Send + 'static,
) -> Result<RowStream, StoracleError> {
    let permit = turn(&readers, &halt).await?;
    let (messages, mut incoming) = mpsc::channel::<Message>(QUEUED_BATCHES);
    let worker = Arc::clone(&halt);
    tokio::task::spawn_blocking(move || {
        let outcome = readers.run(&worker, |connection| {
            let reading = prepare(connection)?;
            run(connection, &reading, &worker, &messages)
        });
        drop(permit);
        // nobody is left to be told when the stream was dropped
        let _ = messages.blocking_send(outcome.map(|()| None));
    });
    let mut rows = Rows { first: None, incoming: None, halt };
    match incoming.recv().await {
        Some(Ok(Some(batch))) => {
            rows.first = Some(batch);
            rows.incoming = Some(incoming);
        }
        Some(Ok(None)) => {}
        Some(Err(error)) => return Err(error),
        None => return Err(broke_off()),
    }
    Ok(Box::pin(rows))
}

/// The blocking half.
fn run(
    connection: &Connection,
    reading: &Reading,
    halt: &Halt,
    messages: &mpsc::Sender<Message>,
) -> Result<(), StoracleError> {
    let wrong = |error: rusqlite::Error| (reading.explain)(connection, &error);
    let mut statement = connection.prepare(&reading.query.sql).map_err(wrong)?;
    if !statement.readonly() {
        return Err(StoracleError::PermissionDenied { message: "a query only reads".to_owned() });
    }
    bind(&mut statement, &reading.query.params)?;
    let mut renderer = Renderer::new(&statement, &reading.parse_json_columns)?;
    let mut batch = RowBatchBuilder::default();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(wrong)? {
        renderer.push(row, &mut batch)?;
        if batch.is_full() {
            if messages.blocking_send(Ok(Some(batch.take()))).is_err() {
                return Err(StoracleError::Cancelled);
            }
            if let Some(reason) = halt.reason() {
                return Err(reason);
            }
        }
    }
    if !batch.is_empty() && messages.blocking_send(Ok(Some(batch.finish()))).is_err() {
        return Err(StoracleError::Cancelled);
    }
    Ok(())
}

/// Binds a value to each `@name` of a statement.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    params: &BTreeMap<String, Value>,
) -> Result<(), StoracleError> {
    let refuse = |message: String| StoracleError::InvalidQuery { message, position: None };
    for (name, param) in params {
        let index = statement.parameter_index(&format!("@{name}")).map_err(|error| error::of_read(&error))?;
        let index = index.ok_or_else(|| refuse(format!("the statement has no parameter @{name}")))?;
        let bound =
            value::bindable(param).map_err(|reason| refuse(format!("parameter @{name}: {reason}")))?;
        statement.raw_bind_parameter(index, bound).map_err(|error| error::of_read(&error))?;
    }
    Ok(())
}

/// Runs `work` on a reader and returns what it found.
pub(super) async fn once<T: Send + 'static>(
    readers: Arc<Readers>,
    halt: Arc<Halt>,
    work: impl FnOnce(&Connection) -> Result<T, StoracleError> + Send + 'static,
) -> Result<T, StoracleError> {
    let permit = turn(&readers, &halt).await?;
    let reading = tokio::task::spawn_blocking(move || {
        let outcome = readers.run(&halt, work);
        drop(permit);
        outcome
    });
    reading.await.map_err(|_| broke_off())?
}

async fn turn(readers: &Readers, halt: &Halt) -> Result<OwnedSemaphorePermit, StoracleError> {
    match select(pin!(readers.turn()), pin!(halt.raised())).await {
        Either::Left((permit, _)) => permit,
        Either::Right(_) => Err(StoracleError::Cancelled),
    }
}

fn broke_off() -> StoracleError {
    StoracleError::Unavailable { message: "reading broke off".to_owned() }
}

/// The rows of one call. Dropping it stops the statement.
struct Rows {
    first: Option<RowBatch>,
    /// `None` when the rows have ended.
    incoming: Option<mpsc::Receiver<Message>>,
    halt: Arc<Halt>,
}

impl Stream for Rows {
    type Item = Result<RowBatch, StoracleError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(batch) = self.first.take() {
            return Poll::Ready(Some(Ok(batch)));
        }
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let item = match std::task::ready!(incoming.poll_recv(cx)) {
            Some(Ok(Some(batch))) => return Poll::Ready(Some(Ok(batch))),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err(broke_off())),
        };
        self.incoming = None;
        Poll::Ready(item)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.halt.abandon();
    }
}
