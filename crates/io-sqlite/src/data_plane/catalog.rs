//! Which tables there are and what they look like, read from SQLite itself; stamps from `lorchestra_stamps`, the one
//! thing SQLite has no place for. Statements of these functions run in the caller's transaction, when there is one.

use rusqlite::{Connection, OptionalExtension};
use storacle_client::StoracleError;
use storacle_client::table::{Column, Stamp, TableSchema};

use super::closest::suggest;
use super::{ddl, error};

/// A table as it stands in the file.
pub(super) struct Stored {
    pub(super) schema: TableSchema,
    /// Of each column: whether SQLite fills it when a row leaves it out.
    pub(super) has_default: Vec<bool>,
    /// What keeps rows from being written.
    pub(super) read_only: Option<&'static str>,
}

/// The table called `table`; `None` when there is none.
pub(super) fn load(connection: &Connection, table: &str) -> rusqlite::Result<Option<Stored>> {
    let mut kinds = connection
        .prepare_cached("SELECT type, wr FROM pragma_table_list(?1) WHERE schema = 'main' AND name = ?1")?;
    let kind =
        kinds.query_row([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))).optional()?;
    let Some((kind, without_rowid)) = kind else { return Ok(None) };
    let read_only = match (kind.as_str(), without_rowid) {
        ("table", false) => None,
        ("table", true) => Some("a table without row ids"),
        ("view", _) => Some("a view"),
        _ => Some("a virtual table"),
    };
    let mut columns = Vec::new();
    let mut has_default = Vec::new();
    let mut key: Vec<(i64, String)> = Vec::new();
    let mut infos = connection.prepare_cached(
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk FROM pragma_table_xinfo(?1) \
         WHERE hidden = 0 ORDER BY cid",
    )?;
    let mut rows = infos.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let position: i64 = row.get(4)?;
        if position > 0 {
            key.push((position, name.clone()));
        }
        columns.push(Column {
            name,
            column_type: ddl::logical_type(&row.get::<_, String>(1)?),
            required: row.get(2)?,
            stamp: None,
        });
        has_default.push(row.get(3)?);
    }
    for (name, stamp) in stamps(connection, table)? {
        if let Some(column) = columns.iter_mut().find(|column| column.name == name) {
            column.stamp = Some(stamp);
        }
    }
    key.sort();
    let primary_key = key.into_iter().map(|(_, name)| name).collect();
    let schema = TableSchema { table: table.to_owned(), columns, primary_key };
    Ok(Some(Stored { schema, has_default, read_only }))
}

/// Creates the table of a schema; `false` when it is there already. Stamps become those of the schema: a declaration
/// may change them, they are no part of the stored rows.
pub(super) fn create(connection: &Connection, schema: &TableSchema) -> Result<bool, StoracleError> {
    ddl::check(schema)?;
    let stored = load(connection, &schema.table).map_err(|error| error::of_write(&error))?;
    if let Some(stored) = &stored {
        if stored.schema == *schema {
            return Ok(false);
        }
        if let Some(difference) = difference(schema, &stored.schema) {
            return Err(StoracleError::SchemaMismatch {
                message: format!("'{}' is there already, and is another table: {difference}", schema.table),
            });
        }
    }
    let run = || -> rusqlite::Result<()> {
        if stored.is_none() {
            connection.execute_batch(&ddl::create_table(schema))?;
        }
        connection.execute("DELETE FROM lorchestra_stamps WHERE table_name = ?1", [&schema.table])?;
        for column in &schema.columns {
            if let Some(stamp) = column.stamp {
                connection.execute(
                    "INSERT INTO lorchestra_stamps (table_name, column_name, stamp) VALUES (?1, ?2, ?3)",
                    [&schema.table, &column.name, ddl::stamp_name(stamp)],
                )?;
            }
        }
        Ok(())
    };
    run().map_err(|error| error::of_write(&error))?;
    Ok(stored.is_none())
}

/// The first difference that matters between a declared table and the stored one.
fn difference(declared: &TableSchema, stored: &TableSchema) -> Option<String> {
    for column in &declared.columns {
        let Some(there) = stored.columns.iter().find(|there| there.name == column.name) else {
            return Some(format!("it has no column '{}'", column.name));
        };
        if there.column_type != column.column_type {
            return Some(format!(
                "column '{}' is {}, not {}",
                column.name,
                ddl::type_name(there.column_type),
                ddl::type_name(column.column_type)
            ));
        }
        if there.required != column.required {
            let says = if there.required { "requires a value" } else { "takes NULL" };
            return Some(format!("column '{}' {says}", column.name));
        }
    }
    if let Some(extra) =
        stored.columns.iter().find(|there| declared.columns.iter().all(|column| column.name != there.name))
    {
        return Some(format!("it has a column '{}' too", extra.name));
    }
    if stored.primary_key != declared.primary_key {
        return Some(format!(
            "its key is ({}), not ({})",
            stored.primary_key.join(", "),
            declared.primary_key.join(", ")
        ));
    }
    None
}

/// Whether values of `column` are unique in the table: its key, or a unique index over it alone.
pub(super) fn is_unique(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM pragma_index_list(?1) AS list WHERE list.\"unique\" AND NOT list.partial AND \
         (SELECT group_concat(name, char(0)) FROM pragma_index_info(list.name)) = ?2 \
         UNION ALL SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 AND pk = 1 AND \
         (SELECT max(pk) FROM pragma_table_xinfo(?1)) = 1",
    )?;
    statement.exists([table, column])
}

/// The names of all tables and views that a `dataset.table` can name.
pub(super) fn names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name LIKE '%_._%' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// `NotFound`, with the names nearest to `table`.
pub(super) fn not_found(connection: &Connection, table: &str) -> StoracleError {
    match names(connection) {
        Ok(names) => StoracleError::NotFound {
            message: format!(
                "there is no table '{table}'{}",
                suggest(table, names.iter().map(String::as_str), "tables")
            ),
        },
        Err(problem) => error::of_read(&problem),
    }
}

fn stamps(connection: &Connection, table: &str) -> rusqlite::Result<Vec<(String, Stamp)>> {
    let mut statement = connection
        .prepare_cached("SELECT column_name, stamp FROM lorchestra_stamps WHERE table_name = ?1")?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    let mut stamps = Vec::new();
    for row in rows {
        let (column, name) = row?;
        if let Some(stamp) = ddl::stamp_of(&name) {
            stamps.push((column, stamp));
        }
    }
    Ok(stamps)
}
