//! Where SQL dialects differ: quoting, and how a table is named. Everything else of the DSL is common to them.

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The embedded store: a table is stored under the one name `dataset.table`.
    Sqlite,
    /// GoogleSQL.
    BigQuery,
    /// PostgreSQL: a dataset is a schema.
    Postgres,
}

impl Dialect {
    /// `name`, quoted. Names were checked to be identifiers when the query was parsed.
    #[must_use]
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{name}\""),
            Self::BigQuery => format!("`{name}`"),
        }
    }

    /// A table, quoted.
    #[must_use]
    pub fn table(self, dataset: &str, table: &str) -> String {
        match self {
            Self::Sqlite => format!("\"{dataset}.{table}\""),
            Self::BigQuery => format!("`{dataset}`.`{table}`"),
            Self::Postgres => format!("\"{dataset}\".\"{table}\""),
        }
    }
}
