//! The embedded data plane: one SQLite file with a write-ahead log, one connection that writes, a few that read.
//!
//! A table is stored under the one name `dataset.table`, its logical types are the declared types of its columns
//! (`ddl`). A write is one transaction that also stores its idempotency key and answer (`ledger`). Writes queue in the
//! order of their calls; readers wait for nobody. It opens no other file, attaches nothing, and does not know runs.

mod asserts;
mod begin;
mod catalog;
mod closest;
mod ddl;
mod error;
mod halt;
mod ledger;
mod open;
mod passthrough;
mod pool;
mod query;
mod render;
mod select;
#[cfg(test)]
mod tests;
mod time;
mod upsert;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select as first_of};
use lorchestra_core::clock::Clock;
use rusqlite::Connection;
use storacle_client::table::TableSchema;
use storacle_client::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, QuerySpec, RowStream, RowsAssertion,
    SchemaAssertion, SqlQuery, StoracleClient, StoracleError, UniqueAssertion, UpsertCounts, UpsertSpec,
};
use tokio::sync::OwnedMutexGuard;

pub use open::{APPLICATION_ID, OpenError, Options, Synchronous};

use halt::Halt;
use pool::Readers;

/// A data plane in one SQLite file.
pub struct SqliteDataPlane {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    patience: Duration,
    writer: Arc<tokio::sync::Mutex<Connection>>,
    readers: Arc<Readers>,
    declared: BTreeMap<String, TableSchema>,
    /// Declared tables that are known to be there.
    present: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for SqliteDataPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDataPlane").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteDataPlane {
    /// Opens the file at `path`, creating it and its folder, and bringing its own tables up to date. A database that
    /// has no `application_id` and no `user_version` becomes a data plane with the tables it has. Blocks.
    ///
    /// # Errors
    /// When it is another program's database or a run store, of a newer version, read-only, locked, or no database.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        for schema in &options.declared {
            ddl::check(schema).map_err(|error| OpenError::Declaration { message: error.to_string() })?;
        }
        let writer = open::writer(&path, &options)?;
        Ok(Self {
            clock: options.clock,
            patience: options.busy_timeout,
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Readers::new(path.clone(), options.busy_timeout),
            declared: options.declared.into_iter().map(|schema| (schema.table.clone(), schema)).collect(),
            present: Mutex::new(BTreeSet::new()),
            path,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn halt(&self, meta: &CallMeta) -> Arc<Halt> {
        Halt::new(meta, Arc::clone(&self.clock))
    }

    /// The connection that writes, when it is this call's turn.
    async fn writer(&self, halt: &Halt) -> Result<OwnedMutexGuard<Connection>, StoracleError> {
        match first_of(pin!(Arc::clone(&self.writer).lock_owned()), pin!(halt.raised())).await {
            Either::Left((connection, _)) => Ok(connection),
            Either::Right(_) => Err(StoracleError::Cancelled),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        meta: &CallMeta,
        work: impl FnOnce(&Connection) -> Result<T, StoracleError> + Send + 'static,
    ) -> Result<T, StoracleError> {
        query::once(Arc::clone(&self.readers), self.halt(meta), work).await
    }

    async fn create(&self, schema: TableSchema, halt: Arc<Halt>) -> Result<bool, StoracleError> {
        let connection = self.writer(&halt).await?;
        let patience = self.patience;
        let work = tokio::task::spawn_blocking(move || {
            let transaction = begin::begin(&connection, &halt, patience)?;
            let is_new = catalog::create(&transaction, &schema)?;
            transaction.commit().map_err(|error| error::of_write(&error))?;
            Ok(is_new)
        });
        work.await.map_err(|error| StoracleError::WriteFailed {
            message: format!("the table was not created: {error}"),
            retryable: false,
        })?
    }

    /// Creates those of `tables` that are declared and not there yet: a declared table that nobody has written to is
    /// empty, not unknown.
    async fn ensure(
        &self,
        meta: &CallMeta,
        tables: impl IntoIterator<Item = String>,
    ) -> Result<(), StoracleError> {
        for table in tables {
            let Some(schema) = self.declared.get(&table) else { continue };
            if self.present.lock().unwrap_or_else(PoisonError::into_inner).contains(&table) {
                continue;
            }
            let name = table.clone();
            let is_there = self
                .read(meta, move |connection| {
                    catalog::load(connection, &name).map_err(|error| error::of_read(&error))
                })
                .await?
                .is_some();
            if !is_there {
                self.create(schema.clone(), self.halt(meta)).await?;
            }
            self.present.lock().unwrap_or_else(PoisonError::into_inner).insert(table);
        }
        Ok(())
    }
}

#[async_trait]
impl StoracleClient for SqliteDataPlane {
    async fn query(&self, meta: &CallMeta, spec: &QuerySpec) -> Result<RowStream, StoracleError> {
        self.ensure(meta, select::tables(spec)).await?;
        let declared = self.declared.get(&format!("{}.{}", spec.dataset, spec.table)).cloned();
        let spec = spec.clone();
        query::stream(Arc::clone(&self.readers), self.halt(meta), move |connection| {
            select::reading(connection, spec, declared.as_ref())
        })
        .await
    }

    async fn query_sql(&self, meta: &CallMeta, query: &SqlQuery) -> Result<RowStream, StoracleError> {
        let (reading, tables) = passthrough::prepare(query)?;
        self.ensure(meta, tables).await?;
        query::stream(Arc::clone(&self.readers), self.halt(meta), move |_| Ok(reading)).await
    }

    fn explain(&self, spec: &QuerySpec) -> Result<SqlQuery, StoracleError> {
        let declared = self.declared.get(&format!("{}.{}", spec.dataset, spec.table));
        select::statement(spec, declared, declared)
    }

    async fn upsert(
        &self,
        meta: &CallMeta,
        spec: &UpsertSpec,
        rows: RowStream,
    ) -> Result<UpsertCounts, StoracleError> {
        let halt = self.halt(meta);
        let connection = self.writer(&halt).await?;
        let upsert = upsert::Upsert {
            meta: meta.clone(),
            spec: spec.clone(),
            declared: self.declared.get(&spec.table).cloned(),
            now: self.clock.now(),
            patience: self.patience,
            halt,
        };
        upsert::perform(upsert, connection, rows).await
    }

    async fn recorded_upsert(&self, meta: &CallMeta) -> Result<Option<UpsertCounts>, StoracleError> {
        let call = meta.clone();
        self.read(meta, move |connection| ledger::find(connection, &call)).await
    }

    async fn assert_rows(
        &self,
        meta: &CallMeta,
        spec: &AssertRowsSpec,
    ) -> Result<RowsAssertion, StoracleError> {
        self.ensure(meta, [spec.table.clone()]).await?;
        let spec = spec.clone();
        self.read(meta, move |connection| asserts::rows(connection, &spec)).await
    }

    async fn assert_schema(
        &self,
        meta: &CallMeta,
        spec: &AssertSchemaSpec,
    ) -> Result<SchemaAssertion, StoracleError> {
        self.ensure(meta, [spec.table.clone()]).await?;
        let spec = spec.clone();
        self.read(meta, move |connection| asserts::schema(connection, &spec)).await
    }

    async fn assert_unique(
        &self,
        meta: &CallMeta,
        spec: &AssertUniqueSpec,
    ) -> Result<UniqueAssertion, StoracleError> {
        self.ensure(meta, [spec.table.clone()]).await?;
        let spec = spec.clone();
        self.read(meta, move |connection| asserts::unique(connection, &spec)).await
    }

    async fn create_table(&self, schema: &TableSchema) -> Result<bool, StoracleError> {
        ddl::check(schema)?;
        self.create(schema.clone(), self.halt(&CallMeta::default())).await
    }

    async fn describe_table(&self, table: &str) -> Result<Option<TableSchema>, StoracleError> {
        ddl::check_table_name(table)?;
        let table = table.to_owned();
        let stored = self
            .read(&CallMeta::default(), move |connection| {
                catalog::load(connection, &table).map_err(|error| error::of_read(&error))
            })
            .await?;
        Ok(stored.map(|stored| stored.schema))
    }
}
