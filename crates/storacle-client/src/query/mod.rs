//! The query DSL as data: simple reads of one table (data-plane.md §3). Parsing and building stand beside it.

mod parse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use parse::{QueryProblem, is_identifier, parse_filters};

/// A query of the DSL, parsed and checked: identifiers are identifiers, operators are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuerySpec {
    /// The logical dataset.
    pub dataset: String,
    /// The table.
    pub table: String,
    /// What to select; empty means every column.
    #[serde(default)]
    pub columns: Vec<SelectItem>,
    /// All must hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// The order.
    #[serde(default)]
    pub order_by: Vec<OrderItem>,
    /// At most so many rows; at least 1.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Only rows that a target table does not have yet.
    #[serde(default)]
    pub incremental: Option<Incremental>,
    /// Text columns whose JSON is to be parsed.
    #[serde(default)]
    pub parse_json_columns: Vec<String>,
}

/// A column, or an aggregate under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectItem {
    /// A column by name.
    Column(String),
    /// `COUNT(*) AS alias`.
    Aggregate {
        /// Which.
        function: Aggregate,
        /// Of which column; `None` is `*`, for COUNT only.
        column: Option<String>,
        /// The name of the result.
        alias: String,
    },
}

/// The aggregates of the DSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are SQL's own")]
pub enum Aggregate {
    Min,
    Max,
    Count,
    Sum,
    Avg,
}

/// `column operator value`; with null, `=` is IS NULL and `!=` IS NOT NULL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// The operator.
    pub op: Comparison,
    /// The value, always bound.
    pub value: Value,
}

impl Aggregate {
    /// SQL's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Min => "MIN",
            Self::Max => "MAX",
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
        }
    }
}

impl Comparison {
    /// Every operator, as it is written.
    pub const ALL: [(&'static str, Self); 6] = [
        ("=", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl SelectItem {
    /// The name it has in the rows that come out.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Column(name) | Self::Aggregate { alias: name, .. } => name,
        }
    }
}

/// The operators of the DSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the operators'")]
pub enum Comparison {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

/// A column and its direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// The column, or an alias.
    pub column: String,
    /// Whether the greatest come first.
    pub descending: bool,
}

/// Which rows a target does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incremental {
    /// The target's dataset.
    pub target_dataset: String,
    /// The target's table.
    pub target_table: String,
    /// The source's key column.
    pub source_key: String,
    /// The target's key column.
    pub target_key: String,
    /// Never processed only, or changed since too.
    pub mode: IncrementalMode,
    /// The target's key is the source's, `#` and this.
    #[serde(default)]
    pub join_key_suffix: Option<String>,
    /// The source's time column; `left_anti` only.
    #[serde(default)]
    pub source_ts: Option<String>,
    /// The target's time column; `left_anti` only.
    #[serde(default)]
    pub target_ts: Option<String>,
}

/// How an incremental query chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncrementalMode {
    /// Rows the target never had.
    NotExists,
    /// Rows the target never had, and rows whose `source_ts` is later than the newest `target_ts` of theirs.
    LeftAnti,
}
