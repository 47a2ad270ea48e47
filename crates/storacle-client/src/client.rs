//! The trait every backend of the data plane implements. Object-safe, asynchronous, streaming where rows move.

use async_trait::async_trait;

use crate::table::TableSchema;
use crate::types::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, RowStream, RowsAssertion, SchemaAssertion,
    SqlQuery, UniqueAssertion, UpsertCounts, UpsertSpec,
};
use crate::{QuerySpec, StoracleError};

/// A data plane.
#[async_trait]
pub trait StoracleClient: Send + Sync {
    /// Rows of a query of the DSL.
    async fn query(&self, meta: &CallMeta, spec: &QuerySpec) -> Result<RowStream, StoracleError>;

    /// Rows of passthrough SQL; refused unless it is one read-only statement.
    async fn query_sql(&self, meta: &CallMeta, query: &SqlQuery) -> Result<RowStream, StoracleError>;

    /// The statement and its bound values that `query` would send, for plans.
    ///
    /// # Errors
    /// When the query is wrong.
    fn explain(&self, spec: &QuerySpec) -> Result<SqlQuery, StoracleError>;

    /// Inserts or updates all `rows` in one transaction, and stores key and answer in it. When it returned `Ok` all
    /// is durable; on an error nothing is written. Called again with the same key it gives the first answer.
    async fn upsert(
        &self,
        meta: &CallMeta,
        spec: &UpsertSpec,
        rows: RowStream,
    ) -> Result<UpsertCounts, StoracleError>;

    /// The stored answer of an earlier write under `meta`'s key, if there is one: how an unknown write is settled.
    async fn recorded_upsert(&self, meta: &CallMeta) -> Result<Option<UpsertCounts>, StoracleError>;

    /// Counts rows and judges the count.
    async fn assert_rows(
        &self,
        meta: &CallMeta,
        spec: &AssertRowsSpec,
    ) -> Result<RowsAssertion, StoracleError>;

    /// Compares columns.
    async fn assert_schema(
        &self,
        meta: &CallMeta,
        spec: &AssertSchemaSpec,
    ) -> Result<SchemaAssertion, StoracleError>;

    /// Looks for duplicates.
    async fn assert_unique(
        &self,
        meta: &CallMeta,
        spec: &AssertUniqueSpec,
    ) -> Result<UniqueAssertion, StoracleError>;

    /// Creates `schema`'s table unless it exists; `false` when it did. An existing table of other columns is
    /// `SchemaMismatch`.
    async fn create_table(&self, schema: &TableSchema) -> Result<bool, StoracleError>;

    /// The table as it is; `None` when there is none.
    async fn describe_table(&self, table: &str) -> Result<Option<TableSchema>, StoracleError>;
}
