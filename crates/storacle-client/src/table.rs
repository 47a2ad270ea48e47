//! Tables as declared: columns, logical types, keys, and which columns the data plane stamps. No DDL: dialects are
//! the backends' matter.

use serde::{Deserialize, Serialize};

/// The logical type of a column; named as BigQuery names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnType {
    /// Text.
    #[serde(rename = "STRING")]
    String,
    /// Integer of 64 bits.
    #[serde(rename = "INT64")]
    Int64,
    /// Double.
    #[serde(rename = "FLOAT64")]
    Float64,
    /// true or false.
    #[serde(rename = "BOOL")]
    Bool,
    /// RFC 3339 in UTC with six fraction digits and Z, so that text order is time order.
    #[serde(rename = "TIMESTAMP")]
    Timestamp,
    /// `YYYY-MM-DD`.
    #[serde(rename = "DATE")]
    Date,
    /// Any JSON value.
    #[serde(rename = "JSON")]
    Json,
}

/// When the data plane fills a column that a row leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// With the time of the write, when the row is inserted.
    Insert,
    /// With the time of the write, when the row is inserted or changes. A change of this column alone is no change.
    Change,
    /// With the run's clock, each time the row is written, also when it stays equal: a row read and judged by a run
    /// is as fresh as that run's beginning, whatever changed at the source since.
    Always,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Whether NULL is refused.
    #[serde(default)]
    pub required: bool,
    /// Whether the data plane fills it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSchema {
    /// `dataset.table`.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns that identify a row.
    #[serde(default)]
    pub primary_key: Vec<String>,
}
