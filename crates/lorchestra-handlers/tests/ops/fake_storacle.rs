//! A data plane in memory. It is told what to answer, remembers what it was asked, and keeps a ledger as a real one
//! does. It judges no SQL and knows no columns.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_json::RowBatch;
use serde_json::Value;
use storacle_client::builder::{Dialect, build};
use storacle_client::table::TableSchema;
use storacle_client::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, QuerySpec, RowStream, RowsAssertion,
    SchemaAssertion, SqlQuery, StoracleClient, StoracleError, UniqueAssertion, UpsertCounts, UpsertSpec,
};

/// When a write fails.
pub(crate) enum Failure {
    BeforeCommit(StoracleError),
    AfterCommit(StoracleError),
}

#[derive(Default)]
pub(crate) struct State {
    /// What queries answer: batches, and the error they end with.
    pub(crate) answer: Vec<RowBatch>,
    pub(crate) answer_ends_with: Option<StoracleError>,
    pub(crate) queries: Vec<QuerySpec>,
    pub(crate) sql_queries: Vec<SqlQuery>,
    /// Tables by name, rows by key.
    pub(crate) tables: BTreeMap<String, BTreeMap<String, Value>>,
    pub(crate) upserts: Vec<UpsertSpec>,
    pub(crate) metas: Vec<CallMeta>,
    /// The most rows and bytes that one batch of a write had.
    pub(crate) largest_batch: (usize, usize),
    pub(crate) ledger: BTreeMap<String, UpsertCounts>,
    pub(crate) next_write_fails: Option<Failure>,
    pub(crate) rows_found: Option<RowsAssertion>,
    pub(crate) schema_found: Option<SchemaAssertion>,
    pub(crate) duplicates_found: Option<UniqueAssertion>,
}

#[derive(Default)]
pub(crate) struct FakeStoracle(Mutex<State>);

impl FakeStoracle {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn answer(&self) -> RowStream {
        let mut state = self.state();
        let batches = state.answer.drain(..).map(Ok).collect::<Vec<_>>();
        stream::iter(batches.into_iter().chain(state.answer_ends_with.take().map(Err))).boxed()
    }
}

#[async_trait]
impl StoracleClient for FakeStoracle {
    async fn query(&self, meta: &CallMeta, spec: &QuerySpec) -> Result<RowStream, StoracleError> {
        self.state().metas.push(meta.clone());
        self.state().queries.push(spec.clone());
        Ok(self.answer())
    }

    async fn query_sql(&self, _: &CallMeta, query: &SqlQuery) -> Result<RowStream, StoracleError> {
        self.state().sql_queries.push(query.clone());
        Ok(self.answer())
    }

    fn explain(&self, spec: &QuerySpec) -> Result<SqlQuery, StoracleError> {
        Ok(build(spec, Dialect::Sqlite, None))
    }

    async fn upsert(
        &self,
        meta: &CallMeta,
        spec: &UpsertSpec,
        mut rows: RowStream,
    ) -> Result<UpsertCounts, StoracleError> {
        let key = meta.idempotency_key.clone().unwrap();
        self.state().metas.push(meta.clone());
        self.state().upserts.push(spec.clone());
        if let Some(counts) = self.state().ledger.get(&key) {
            return Ok(UpsertCounts { repeated: true, ..*counts });
        }
        let mut table = self.state().tables.get(&spec.table).cloned().unwrap_or_default();
        let mut counts = UpsertCounts::default();
        while let Some(batch) = rows.try_next().await? {
            let largest = self.state().largest_batch;
            self.state().largest_batch = (largest.0.max(batch.len()), largest.1.max(batch.ndjson().len()));
            for row in batch.rows::<Value>() {
                let row = row.unwrap();
                counts.total += 1;
                match table.insert(row[&spec.idem_key_field].to_string(), row.clone()) {
                    None => counts.inserted += 1,
                    Some(before) if before == row => counts.unchanged += 1,
                    Some(_) => counts.updated += 1,
                }
            }
        }
        let mut state = self.state();
        let failure = state.next_write_fails.take();
        if let Some(Failure::BeforeCommit(error)) = failure {
            return Err(error);
        }
        state.tables.insert(spec.table.clone(), table);
        state.ledger.insert(key, counts);
        match failure {
            Some(Failure::AfterCommit(error)) => Err(error),
            _ => Ok(counts),
        }
    }

    async fn recorded_upsert(&self, meta: &CallMeta) -> Result<Option<UpsertCounts>, StoracleError> {
        // as a real one: who was told to stop asks nothing more
        if (meta.stop.is_stopped)() {
            return Err(StoracleError::Cancelled);
        }
        Ok(self.state().ledger.get(meta.idempotency_key.as_ref().unwrap()).copied())
    }

    async fn assert_rows(&self, _: &CallMeta, _: &AssertRowsSpec) -> Result<RowsAssertion, StoracleError> {
        Ok(self.state().rows_found.clone().unwrap())
    }

    async fn assert_schema(
        &self,
        _: &CallMeta,
        _: &AssertSchemaSpec,
    ) -> Result<SchemaAssertion, StoracleError> {
        Ok(self.state().schema_found.clone().unwrap())
    }

    async fn assert_unique(
        &self,
        _: &CallMeta,
        _: &AssertUniqueSpec,
    ) -> Result<UniqueAssertion, StoracleError> {
        Ok(self.state().duplicates_found.clone().unwrap())
    }

    async fn create_table(&self, _: &TableSchema) -> Result<bool, StoracleError> {
        Ok(false)
    }

    async fn describe_table(&self, _: &str) -> Result<Option<TableSchema>, StoracleError> {
        Ok(None)
    }
}
