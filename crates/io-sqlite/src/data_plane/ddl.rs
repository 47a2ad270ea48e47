//! Tables in SQLite's words: names, column types, CREATE TABLE.
//!
//! A logical type is the first word of the column's declared type, and its second word gives SQLite the affinity that
//! keeps values as they are (`STRING` alone would turn '007' into 7). So the file describes itself: SQLite hands the
//! declared type back with a table's columns and with the columns of a result.

use storacle_client::StoracleError;
use storacle_client::table::{ColumnType, Stamp, TableSchema};

/// `name` as an identifier of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The declared type of a column.
pub(super) const fn declared_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::String => "STRING TEXT",
        ColumnType::Int64 => "INT64",
        ColumnType::Float64 => "FLOAT64 REAL",
        ColumnType::Bool => "BOOL INTEGER",
        ColumnType::Timestamp => "TIMESTAMP TEXT",
        ColumnType::Date => "DATE TEXT",
        ColumnType::Json => "JSON TEXT",
    }
}

/// The logical type of a column declared as `declared`, by us or by another program: a known first word, else SQLite's
/// own rules of affinity.
pub(super) fn logical_type(declared: &str) -> ColumnType {
    let declared = declared.to_ascii_uppercase();
    let contains = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    match declared.split([' ', '(']).next().unwrap_or_default() {
        "STRING" => ColumnType::String,
        "INT64" => ColumnType::Int64,
        "FLOAT64" => ColumnType::Float64,
        "BOOL" | "BOOLEAN" => ColumnType::Bool,
        "TIMESTAMP" | "DATETIME" => ColumnType::Timestamp,
        "DATE" => ColumnType::Date,
        "JSON" => ColumnType::Json,
        _ if contains(&["INT"]) => ColumnType::Int64,
        _ if contains(&["CHAR", "CLOB", "TEXT"]) => ColumnType::String,
        _ if contains(&["REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"]) => ColumnType::Float64,
        _ => ColumnType::String,
    }
}

/// The type's name as people write it.
pub(super) const fn type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::String => "STRING",
        ColumnType::Int64 => "INT64",
        ColumnType::Float64 => "FLOAT64",
        ColumnType::Bool => "BOOL",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Date => "DATE",
        ColumnType::Json => "JSON",
    }
}

/// All logical types.
pub(super) const TYPES: [ColumnType; 7] = [
    ColumnType::String,
    ColumnType::Int64,
    ColumnType::Float64,
    ColumnType::Bool,
    ColumnType::Timestamp,
    ColumnType::Date,
    ColumnType::Json,
];

/// The type that people write so, in capitals or not.
pub(super) fn type_called(name: &str) -> Option<ColumnType> {
    TYPES.into_iter().find(|column_type| type_name(*column_type).eq_ignore_ascii_case(name))
}

/// CREATE TABLE of a checked schema.
pub(super) fn create_table(schema: &TableSchema) -> String {
    let mut parts: Vec<String> = schema
        .columns
        .iter()
        .map(|column| {
            let name = quoted(&column.name);
            let declared = declared_type(column.column_type);
            let required = if column.required { " NOT NULL" } else { "" };
            let check = match column.column_type {
                ColumnType::Json => format!(" CHECK (json_valid({name}))"),
                ColumnType::Bool => format!(" CHECK ({name} IN (0, 1))"),
                _ => String::new(),
            };
            format!("{name} {declared}{required}{check}")
        })
        .collect();
    if !schema.primary_key.is_empty() {
        let key: Vec<String> = schema.primary_key.iter().map(|name| quoted(name)).collect();
        parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {} (\n  {}\n)", quoted(&schema.table), parts.join(",\n  "))
}

/// Whether `schema` can be a table at all.
///
/// # Errors
/// `InvalidQuery` naming what is wrong.
pub(super) fn check(schema: &TableSchema) -> Result<(), StoracleError> {
    let table = &schema.table;
    let refuse = |message: String| Err(StoracleError::InvalidQuery { message, position: None });
    check_table_name(table)?;
    if schema.columns.is_empty() {
        return refuse(format!("table '{table}' has no columns"));
    }
    for (position, column) in schema.columns.iter().enumerate() {
        let name = &column.name;
        if !is_identifier(name) {
            return refuse(format!("table '{table}': '{name}' is no column name; {IDENTIFIER_RULE}"));
        }
        // SQLite's own names for the number of a row: a column of that name would hide it
        if ["rowid", "_rowid_", "oid"].iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
            return refuse(format!("table '{table}': SQLite keeps the column name '{name}' for itself"));
        }
        if schema.columns[..position].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(name)) {
            return refuse(format!("table '{table}': column '{name}' stands there twice"));
        }
        if let Some(stamp) = column.stamp
            && column.column_type != ColumnType::Timestamp
        {
            return refuse(format!(
                "table '{table}', column '{name}': a column stamped '{}' must be TIMESTAMP, not {}",
                stamp_name(stamp),
                type_name(column.column_type)
            ));
        }
    }
    for (position, name) in schema.primary_key.iter().enumerate() {
        if !schema.columns.iter().any(|column| column.name == *name) {
            return refuse(format!("table '{table}': the key column '{name}' is not among its columns"));
        }
        if schema.primary_key[..position].contains(name) {
            return refuse(format!("table '{table}': the key names '{name}' twice"));
        }
    }
    Ok(())
}

const IDENTIFIER_RULE: &str = "a name is letters, digits and _, and does not begin with a digit";

/// Whether `table` is `dataset.table`.
///
/// # Errors
/// `InvalidQuery` saying what a table's name is.
pub(super) fn check_table_name(table: &str) -> Result<(), StoracleError> {
    match table.split_once('.') {
        Some((dataset, name)) if is_identifier(dataset) && is_identifier(name) => Ok(()),
        _ => Err(StoracleError::InvalidQuery {
            message: format!("'{table}' is no table name: it is dataset.table; {IDENTIFIER_RULE}"),
            position: None,
        }),
    }
}

fn is_identifier(name: &str) -> bool {
    name.bytes()
        .enumerate()
        .all(|(at, byte)| byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()))
        && !name.is_empty()
}

/// The stamp as it is stored and written in declarations.
pub(super) const fn stamp_name(stamp: Stamp) -> &'static str {
    match stamp {
        Stamp::Insert => "insert",
        Stamp::Change => "change",
        Stamp::Always => "always",
    }
}

/// The stamp of that name.
pub(super) fn stamp_of(name: &str) -> Option<Stamp> {
    [Stamp::Insert, Stamp::Change, Stamp::Always].into_iter().find(|stamp| stamp_name(*stamp) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use storacle_client::standard_tables;
    use storacle_client::table::Column;

    #[test]
    fn declared_types_come_back() {
        for column_type in TYPES {
            assert_eq!(logical_type(declared_type(column_type)), column_type);
            assert_eq!(logical_type(type_name(column_type)), column_type);
        }
    }

    #[test]
    fn types_of_other_programs_follow_the_rules_of_affinity() {
        for (declared, expected) in [
            ("varchar(20)", ColumnType::String),
            ("BIGINT UNSIGNED", ColumnType::Int64),
            ("double precision", ColumnType::Float64),
            ("DECIMAL(10,2)", ColumnType::Float64),
            ("boolean", ColumnType::Bool),
            ("datetime", ColumnType::Timestamp),
            ("", ColumnType::String),
            ("BLOB", ColumnType::String),
        ] {
            assert_eq!(logical_type(declared), expected, "{declared}");
        }
    }

    #[test]
    fn the_standard_tables_can_be_tables() {
        for schema in standard_tables::all() {
            check(&schema).unwrap();
        }
    }

    #[test]
    fn a_schema_that_cannot_be_a_table_says_why() {
        let column = |name: &str| Column {
            name: name.into(),
            column_type: ColumnType::String,
            required: false,
            stamp: None,
        };
        let schema = |table: &str, columns: Vec<Column>, key: &[&str]| TableSchema {
            table: table.into(),
            columns,
            primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        };
        for (schema, message) in [
            (schema("objects", vec![column("a")], &[]), "'objects' is no table name"),
            (schema("raw.a.b", vec![column("a")], &[]), "'raw.a.b' is no table name"),
            (schema("raw.x\"; DROP", vec![column("a")], &[]), "is no table name"),
            (schema("raw.x", vec![], &[]), "has no columns"),
            (schema("raw.x", vec![column("1a")], &[]), "'1a' is no column name"),
            (schema("raw.x", vec![column("а")], &[]), "'а' is no column name"),
            (schema("raw.x", vec![column("a"), column("A")], &[]), "'A' stands there twice"),
            (schema("raw.x", vec![column("RowId")], &[]), "keeps the column name 'RowId'"),
            (schema("raw.x", vec![column("a")], &["b"]), "the key column 'b' is not among its columns"),
            (
                schema("raw.x", vec![Column { stamp: Some(Stamp::Insert), ..column("a") }], &[]),
                "a column stamped 'insert' must be TIMESTAMP, not STRING",
            ),
        ] {
            let error = check(&schema).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
