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
    /// `name`, quoted. Parsing lets only identifiers pass, but a query may also come in whole (it is data, and is
    /// deserialised as such): a quote inside a name stays inside it.
    #[must_use]
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::BigQuery => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
        }
    }

    /// A table, quoted.
    #[must_use]
    pub fn table(self, dataset: &str, table: &str) -> String {
        match self {
            Self::Sqlite => self.quote(&format!("{dataset}.{table}")),
            Self::BigQuery | Self::Postgres => format!("{}.{}", self.quote(dataset), self.quote(table)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_name_cannot_end_the_name() {
        for (dialect, name, expected) in [
            (Dialect::Sqlite, "a\"; DROP TABLE b; --", "\"a\"\"; DROP TABLE b; --\""),
            (Dialect::Postgres, "a\"b", "\"a\"\"b\""),
            (Dialect::BigQuery, "a`b\\", "`a\\`b\\\\`"),
        ] {
            assert_eq!(dialect.quote(name), expected);
        }
        assert_eq!(Dialect::Sqlite.table("a\"", "b"), "\"a\"\".b\"");
    }
}
