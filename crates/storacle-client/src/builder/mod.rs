//! From a query of the DSL to a statement: one tree of choices, rendered per dialect. Identifiers are quoted, values
//! are bound, nothing else ever reaches the text.

mod dialect;

use std::collections::BTreeMap;

use serde_json::Value;

pub use dialect::Dialect;

use crate::query::{Comparison, Filter, Incremental, IncrementalMode, OrderItem, QuerySpec, SelectItem};
use crate::types::SqlQuery;

/// The column that orders a limited query that says no order, when the table has it.
const IDEM_KEY: &str = "idem_key";

/// The statement of `spec` with its values bound as `@p1`, `@p2`, …
///
/// `declared` are the table's columns as far as they are declared; they decide the order of a limited query over all
/// columns.
#[must_use]
pub fn build(spec: &QuerySpec, dialect: Dialect, declared: Option<&[String]>) -> SqlQuery {
    let mut builder = Builder { dialect, params: BTreeMap::new() };
    let sql = builder.select(spec, declared);
    SqlQuery { sql, params: builder.params }
}

/// `SELECT COUNT(*)` of the rows that `filters` leave.
#[must_use]
pub fn build_count(dataset: &str, table: &str, filters: &[Filter], dialect: Dialect) -> SqlQuery {
    let mut builder = Builder { dialect, params: BTreeMap::new() };
    let mut sql =
        format!("SELECT COUNT(*) AS {}\nFROM {} AS s", dialect.quote("n"), dialect.table(dataset, table));
    builder.filters(filters, &mut sql, "WHERE");
    SqlQuery { sql, params: builder.params }
}

struct Builder {
    dialect: Dialect,
    params: BTreeMap<String, Value>,
}

impl Builder {
    fn select(&mut self, spec: &QuerySpec, declared: Option<&[String]>) -> String {
        let dialect = self.dialect;
        let items: Vec<String> = spec.columns.iter().map(|item| self.item(item)).collect();
        let items = if items.is_empty() { "s.*".to_owned() } else { items.join(", ") };
        let mut sql = format!("SELECT {items}\nFROM {} AS s", dialect.table(&spec.dataset, &spec.table));
        let mut keyword = "WHERE";
        if self.filters(&spec.filters, &mut sql, keyword) {
            keyword = "AND";
        }
        if let Some(incremental) = &spec.incremental {
            let condition = self.incremental(incremental);
            sql.push_str(&format!("\n{keyword} {condition}"));
        }
        let order: Vec<String> = order(spec, declared)
            .iter()
            .map(|item| {
                let name = dialect.quote(&item.column);
                // an alias belongs to no table
                let is_alias = spec.columns.iter().any(
                    |column| matches!(column, SelectItem::Aggregate { alias, .. } if *alias == item.column),
                );
                let prefix = if is_alias { "" } else { "s." };
                format!("{prefix}{name}{}", if item.descending { " DESC" } else { "" })
            })
            .collect();
        if !order.is_empty() {
            sql.push_str(&format!("\nORDER BY {}", order.join(", ")));
        }
        if let Some(limit) = spec.limit {
            sql.push_str(&format!("\nLIMIT {limit}"));
        }
        sql
    }

    fn item(&self, item: &SelectItem) -> String {
        match item {
            SelectItem::Column(name) => format!("s.{}", self.dialect.quote(name)),
            SelectItem::Aggregate { function, column, alias } => {
                let argument = column
                    .as_ref()
                    .map_or_else(|| "*".to_owned(), |name| format!("s.{}", self.dialect.quote(name)));
                format!("{}({argument}) AS {}", function.as_str(), self.dialect.quote(alias))
            }
        }
    }

    /// Appends the filters; `true` when there was one.
    fn filters(&mut self, filters: &[Filter], sql: &mut String, first: &str) -> bool {
        for (position, filter) in filters.iter().enumerate() {
            let keyword = if position == 0 { first } else { "AND" };
            let column = format!("s.{}", self.dialect.quote(&filter.column));
            let condition = match (&filter.value, filter.op) {
                (Value::Null, Comparison::NotEqual) => format!("{column} IS NOT NULL"),
                (Value::Null, _) => format!("{column} IS NULL"),
                (value, op) => format!("{column} {} {}", op.as_str(), self.bind(value.clone())),
            };
            sql.push_str(&format!("\n{keyword} {condition}"));
        }
        !filters.is_empty()
    }

    /// Rows the target does not have, by `NOT EXISTS`: several target rows per key never multiply a source row, and
    /// the newest of them is the one that counts because any that is new enough rules the row out.
    fn incremental(&mut self, incremental: &Incremental) -> String {
        let dialect = self.dialect;
        let source = format!("s.{}", dialect.quote(&incremental.source_key));
        let key = match &incremental.join_key_suffix {
            Some(suffix) => format!("{source} || '#' || {}", self.bind(Value::String(suffix.clone()))),
            None => source,
        };
        let mut condition = format!(
            "NOT EXISTS (\n  SELECT 1 FROM {} AS t\n  WHERE t.{} = {key}",
            dialect.table(&incremental.target_dataset, &incremental.target_table),
            dialect.quote(&incremental.target_key)
        );
        if let (IncrementalMode::LeftAnti, Some(source_ts), Some(target_ts)) =
            (incremental.mode, &incremental.source_ts, &incremental.target_ts)
        {
            // a row whose own time is unknown counts as unchanged; a target without a time as never processed
            condition.push_str(&format!(
                "\n  AND t.{target} IS NOT NULL AND (s.{source} IS NULL OR s.{source} <= t.{target})",
                target = dialect.quote(target_ts),
                source = dialect.quote(source_ts)
            ));
        }
        condition.push_str("\n)");
        condition
    }

    fn bind(&mut self, value: Value) -> String {
        let name = format!("p{}", self.params.len() + 1);
        let text = format!("@{name}");
        self.params.insert(name, value);
        text
    }
}

/// The order as given; else, of a limited query, one that makes pages repeatable.
fn order(spec: &QuerySpec, declared: Option<&[String]>) -> Vec<OrderItem> {
    if !spec.order_by.is_empty() || spec.limit.is_none() {
        return spec.order_by.clone();
    }
    let ascending = |column: &str| OrderItem { column: column.to_owned(), descending: false };
    let plain: Vec<&str> = spec
        .columns
        .iter()
        .filter_map(|item| match item {
            SelectItem::Column(name) => Some(name.as_str()),
            SelectItem::Aggregate { .. } => None,
        })
        .collect();
    let selected: Vec<&str> = if spec.columns.is_empty() {
        declared.unwrap_or_default().iter().map(String::as_str).collect()
    } else {
        plain
    };
    if selected.contains(&IDEM_KEY) {
        vec![ascending(IDEM_KEY)]
    } else {
        selected.into_iter().map(ascending).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn both(params: Value) -> String {
        let spec = QuerySpec::parse(&params, &[]).unwrap();
        let declared = ["idem_key".to_owned(), "payload".to_owned()];
        [Dialect::Sqlite, Dialect::BigQuery, Dialect::Postgres]
            .map(|dialect| {
                let built = build(&spec, dialect, Some(&declared));
                format!("-- {dialect:?}\n{}\n{}", built.sql, json!(built.params))
            })
            .join("\n\n")
    }

    #[test]
    fn filters_order_and_limit() {
        insta::assert_snapshot!(both(json!({
            "dataset": "raw", "table": "raw_objects", "columns": ["idem_key", "payload"],
            "filters": [{"column": "a", "op": ">=", "value": 1}, {"column": "b", "value": null},
                        {"column": "c", "op": "!=", "value": null}],
            "order_by": "payload DESC, idem_key", "limit": 5,
        })));
    }

    #[test]
    fn a_limit_without_an_order_is_ordered_by_the_key() {
        insta::assert_snapshot!(both(json!({"dataset": "raw", "table": "raw_objects", "limit": 5})));
    }

    #[test]
    fn aggregates_are_not_ordered() {
        insta::assert_snapshot!(both(json!({
            "dataset": "raw", "table": "raw_objects", "columns": ["COUNT(*) AS n", "max(last_seen) as newest"], "limit": 1,
        })));
    }

    #[test]
    fn incremental_left_anti_with_a_suffix() {
        insta::assert_snapshot!(both(json!({
            "dataset": "raw", "table": "raw_objects", "filters": {"source_system": "github"}, "limit": 10,
            "incremental": {"target_dataset": "canonical", "target_table": "canonical_objects", "source_key": "idem_key",
                "target_key": "idem_key", "join_key_suffix": "activity", "mode": "left_anti", "source_ts": "last_seen",
                "target_ts": "canonicalized_at"},
        })));
    }

    #[test]
    fn incremental_not_exists() {
        insta::assert_snapshot!(both(json!({
            "dataset": "raw", "table": "raw_objects",
            "incremental": {"target_dataset": "canonical", "target_table": "canonical_objects", "source_key": "idem_key",
                "target_key": "idem_key", "mode": "not_exists"},
        })));
    }
}
