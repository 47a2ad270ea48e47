//! A data plane in a folder of its own, and short words for what tests do with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use io_sqlite::data_plane::{Options, SqliteDataPlane};
use lorchestra_json::RowBatch;
use serde_json::{Value, json};
use storacle_client::table::{Column, ColumnType, TableSchema};
use storacle_client::{
    CallMeta, QuerySpec, RowStream, SqlQuery, StopFlag, StoracleClient, StoracleError, UpsertCounts,
    UpsertSpec, standard_tables,
};
use tempfile::TempDir;
use testkit::FixedClock;

/// A data plane that declares the standard tables; its clock stands at 2026-01-01T00:00:00Z.
pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    pub(crate) clock: FixedClock,
    pub(crate) plane: Arc<SqliteDataPlane>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::declaring(standard_tables::all())
    }

    pub(crate) fn declaring(declared: Vec<TableSchema>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = FixedClock::default();
        let options = Options { declared, ..Options::new(Arc::new(clock.clone())) };
        let plane = Arc::new(SqliteDataPlane::open(dir.path().join("data.db"), options).unwrap());
        Self { dir, clock, plane }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("data.db")
    }

    /// The file through SQLite itself.
    pub(crate) fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub(crate) async fn upsert(
        &self,
        spec: &UpsertSpec,
        rows: &[Value],
    ) -> Result<UpsertCounts, StoracleError> {
        self.plane.upsert(&CallMeta::default(), spec, one_batch(rows)).await
    }

    /// All rows of a query of the DSL.
    pub(crate) async fn query(&self, params: Value) -> Result<Vec<Value>, StoracleError> {
        let spec = QuerySpec::parse(&params, &[]).unwrap();
        collect(self.plane.query(&CallMeta::default(), &spec).await?).await
    }

    /// All rows of passthrough SQL.
    pub(crate) async fn sql(&self, sql: &str, params: Value) -> Result<Vec<Value>, StoracleError> {
        let query = SqlQuery { sql: sql.into(), params: serde_json::from_value(params).unwrap() };
        collect(self.plane.query_sql(&CallMeta::default(), &query).await?).await
    }

    /// All rows of a table, in the order of their keys.
    pub(crate) async fn rows(&self, table: &str, key: &str) -> Vec<Value> {
        let (dataset, table) = table.split_once('.').unwrap();
        self.query(json!({"dataset": dataset, "table": table, "order_by": key})).await.unwrap()
    }
}

/// Rows as a stream of one batch.
pub(crate) fn one_batch(rows: &[Value]) -> RowStream {
    batches(vec![RowBatch::of(rows)])
}

/// A stream of these batches.
pub(crate) fn batches(batches: Vec<RowBatch>) -> RowStream {
    Box::pin(stream::iter(batches.into_iter().map(Ok)))
}

/// A stream that a test must never read.
pub(crate) fn unread() -> RowStream {
    Box::pin(stream::poll_fn(|_| panic!("these rows must not be read")))
}

pub(crate) async fn collect(mut rows: RowStream) -> Result<Vec<Value>, StoracleError> {
    let mut all = Vec::new();
    while let Some(batch) = rows.next().await {
        for row in batch?.rows() {
            all.push(row.unwrap());
        }
    }
    Ok(all)
}

/// An upsert by `idem_key`, without further wishes.
pub(crate) fn into(table: &str) -> UpsertSpec {
    UpsertSpec {
        table: table.into(),
        idem_key_field: "idem_key".into(),
        skip_update_columns: Vec::new(),
        last_duplicate_wins: false,
    }
}

/// `raw.things (idem_key STRING, <columns>)`, with `idem_key` its key.
pub(crate) fn things(columns: &[(&str, ColumnType)]) -> TableSchema {
    let column = |name: &str, column_type| Column {
        name: name.into(),
        column_type,
        required: name == "idem_key",
        stamp: None,
    };
    let columns = [("idem_key", ColumnType::String)].iter().chain(columns);
    TableSchema {
        table: "raw.things".into(),
        columns: columns.map(|(name, column_type)| column(name, *column_type)).collect(),
        primary_key: vec!["idem_key".into()],
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// A flag a test raises.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    raised: Arc<AtomicBool>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

impl Stop {
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        let hooks = std::mem::take(&mut *self.hooks.lock().unwrap_or_else(PoisonError::into_inner));
        for hook in hooks {
            hook();
        }
    }

    pub(crate) fn meta(&self) -> CallMeta {
        let (raised, hooks) = (Arc::clone(&self.raised), Arc::clone(&self.hooks));
        CallMeta {
            stop: StopFlag {
                is_stopped: Arc::new(move || raised.load(Ordering::SeqCst)),
                on_stop: Arc::new(move |hook| hooks.lock().unwrap().push(hook)),
            },
            ..CallMeta::default()
        }
    }
}
