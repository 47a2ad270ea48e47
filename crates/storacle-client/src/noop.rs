//! The client that stores nothing, for runs that only rehearse.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures_core::Stream;
use lorchestra_json::RowBatch;

use crate::builder::{Dialect, build};
use crate::table::TableSchema;
use crate::{
    AssertRowsSpec, AssertSchemaSpec, AssertUniqueSpec, CallMeta, QuerySpec, RowStream, RowsAssertion,
    SchemaAssertion, SqlQuery, StoracleClient, StoracleError, UniqueAssertion, UpsertCounts, UpsertSpec,
};

/// Accepts every call: queries give no rows, a write counts its rows and keeps none, assertions hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOpStoracleClient;

struct NoRows;

impl Stream for NoRows {
    type Item = Result<RowBatch, StoracleError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

#[async_trait]
impl StoracleClient for NoOpStoracleClient {
    async fn query(&self, _: &CallMeta, _: &QuerySpec) -> Result<RowStream, StoracleError> {
        Ok(Box::pin(NoRows))
    }

    async fn query_sql(&self, _: &CallMeta, _: &SqlQuery) -> Result<RowStream, StoracleError> {
        Ok(Box::pin(NoRows))
    }

    fn explain(&self, spec: &QuerySpec) -> Result<SqlQuery, StoracleError> {
        Ok(build(spec, Dialect::Sqlite, None))
    }

    async fn upsert(
        &self,
        _: &CallMeta,
        _: &UpsertSpec,
        mut rows: RowStream,
    ) -> Result<UpsertCounts, StoracleError> {
        let mut counts = UpsertCounts::default();
        while let Some(batch) = std::future::poll_fn(|context| rows.as_mut().poll_next(context)).await {
            counts.total += batch?.len() as u64;
        }
        Ok(counts)
    }

    async fn recorded_upsert(&self, _: &CallMeta) -> Result<Option<UpsertCounts>, StoracleError> {
        Ok(None)
    }

    async fn assert_rows(&self, _: &CallMeta, _: &AssertRowsSpec) -> Result<RowsAssertion, StoracleError> {
        Ok(RowsAssertion { passed: true, actual_count: 0, message: "nothing was asked".into() })
    }

    async fn assert_schema(
        &self,
        _: &CallMeta,
        _: &AssertSchemaSpec,
    ) -> Result<SchemaAssertion, StoracleError> {
        Ok(SchemaAssertion { passed: true, missing: Vec::new(), extra: Vec::new(), mismatched: Vec::new() })
    }

    async fn assert_unique(
        &self,
        _: &CallMeta,
        _: &AssertUniqueSpec,
    ) -> Result<UniqueAssertion, StoracleError> {
        Ok(UniqueAssertion { passed: true, duplicate_count: 0, samples: Vec::new() })
    }

    async fn create_table(&self, _: &TableSchema) -> Result<bool, StoracleError> {
        Ok(false)
    }

    async fn describe_table(&self, _: &str) -> Result<Option<TableSchema>, StoracleError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    struct Two(u8);

    impl Stream for Two {
        type Item = Result<RowBatch, StoracleError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0 += 1;
            Poll::Ready((self.0 <= 2).then(|| Ok(RowBatch::from_ndjson(b"{}\n{}"))))
        }
    }

    #[test]
    fn a_write_is_counted_and_not_kept() {
        let client: &dyn StoracleClient = &NoOpStoracleClient;
        let (meta, spec) = (
            CallMeta::default(),
            UpsertSpec {
                table: "a.b".into(),
                idem_key_field: "k".into(),
                skip_update_columns: Vec::new(),
                last_duplicate_wins: false,
            },
        );
        let mut call = client.upsert(&meta, &spec, Box::pin(Two(0)));
        let Poll::Ready(counts) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it never waits")
        };
        assert_eq!(counts.unwrap(), UpsertCounts { total: 4, ..UpsertCounts::default() });
    }
}
