//! The schema: which file is ours, which version it has, and how it is brought up to date.
//!
//! `application_id` says that a file is a run store, `user_version` how many migrations it has had. A file of a newer
//! version or of another program is refused before anything is written to it.

use std::path::Path;

use lorchestra_core::run_store::StoreError;
use rusqlite::Connection;

use super::fault::Fault;

/// `application_id` of a run store: "LORC".
pub const APPLICATION_ID: i32 = 0x4c4f_5243;

/// One step of the schema, performed once.
struct Migration {
    /// Its name, the same in every store.
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] =
    &[Migration { name: "0001_runs", sql: include_str!("migrations/0001_runs.sql") }];

/// The version that this program writes.
pub(super) fn current_version() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// What an opened file is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing was ever stored in it.
    Empty,
    /// A run store of this or an older version.
    Store { version: i32 },
}

/// Refuses a file that is no run store of this version or an older one. Writes nothing.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    inspect(connection, path).map(|_| ())
}

/// Performs the migrations that the file has not had; all of them or none.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if inspect(connection, path)? == (Found::Store { version: current_version() }) {
        return Ok(());
    }
    let fault = |error: rusqlite::Error| Fault::from(error).in_store(path);
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
    let migrated = perform_missing(connection, path);
    if migrated.is_err() {
        // the first error is the one to report; what is open is rolled back with the connection at the latest
        let _ = connection.execute_batch("ROLLBACK");
    }
    migrated
}

fn perform_missing(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let fault = |error: rusqlite::Error| Fault::from(error).in_store(path);
    // once more, now that nobody else can migrate
    let performed = match inspect(connection, path)? {
        Found::Empty => 0,
        Found::Store { version } => usize::try_from(version).unwrap_or(0),
    };
    for migration in MIGRATIONS.iter().skip(performed) {
        tracing::debug!(migration = migration.name, store = %path.display(), "migrating the run store");
        connection.execute_batch(migration.sql).map_err(fault)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
    connection.pragma_update(None, "user_version", current_version()).map_err(fault)?;
    connection.execute_batch("COMMIT").map_err(fault)
}

fn inspect(connection: &Connection, path: &Path) -> Result<Found, StoreError> {
    let number = |pragma: &str| -> Result<i32, StoreError> {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .map_err(|error| Fault::from(error).in_store(path))
    };
    let application = number("application_id")?;
    let version = number("user_version")?;
    if application == APPLICATION_ID {
        return match version {
            version if version > current_version() => Err(StoreError::Unusable(format!(
                "run store '{}' has schema version {version}, written by a newer lorchestra; this one knows versions up \
                 to {}: use the newer lorchestra, or another store",
                path.display(),
                current_version(),
            ))),
            version if version < 1 => Err(StoreError::Unusable(format!(
                "run store '{}' has schema version {version}, which no lorchestra ever wrote: restore it from a copy, \
                 or use another store",
                path.display(),
            ))),
            version => Ok(Found::Store { version }),
        };
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| Fault::from(error).in_store(path))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(Found::Empty);
    }
    Err(StoreError::Unusable(format!(
        "'{}' is a SQLite database of another program, not a run store; nothing was changed: name another file for the \
         run store",
        path.display(),
    )))
}
