//! Opens the file of a data plane: whose file it is, which version, migrations, and the settings of its connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lorchestra_core::clock::Clock;
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use storacle_client::table::TableSchema;

use super::error;
use crate::run_store;

/// `application_id` of a data plane: "LORD".
pub const APPLICATION_ID: i32 = 0x4c4f_5244;
/// The newest version of the data plane's own tables that this code knows.
const SCHEMA_VERSION: i32 = 1;

/// Version n is made from version n - 1 by entry n - 1.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = ["
    CREATE TABLE lorchestra_writes (
        key             TEXT NOT NULL PRIMARY KEY,
        manifest_sha256 TEXT,
        response        TEXT NOT NULL,
        run_id          TEXT NOT NULL,
        at              TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE lorchestra_stamps (
        table_name  TEXT NOT NULL,
        column_name TEXT NOT NULL,
        stamp       TEXT NOT NULL,
        PRIMARY KEY (table_name, column_name)
    ) STRICT, WITHOUT ROWID;
"];

/// When a commit is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Before it is acknowledged.
    #[default]
    Full,
    /// At the next checkpoint: a power cut may take the last commits, and leaves the file sound.
    Normal,
}

/// How a data plane is opened.
#[derive(Clone)]
pub struct Options {
    /// Where the time of writes comes from.
    pub clock: Arc<dyn Clock>,
    /// When a commit is on disk.
    pub synchronous: Synchronous,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// Tables that are created when they are first used.
    pub declared: Vec<TableSchema>,
}

impl Options {
    /// The defaults: every commit on disk before it is acknowledged, 5 s of patience, no declared tables.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            synchronous: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            declared: Vec::new(),
        }
    }
}

/// Why a file cannot be opened as a data plane. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be opened at all.
    #[error("cannot open the data plane '{}': {message}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The system's or SQLite's words.
        message: String,
    },
    /// It is not an SQLite database.
    #[error("'{}' is not an SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to another program, or is a run store.
    #[error("'{}' is {what}, not a data plane", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        what: String,
    },
    /// A newer lorchestra wrote it.
    #[error("the data plane '{}' has version {found}; this lorchestra knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest one known here.
        known: i32,
    },
    /// It cannot be written.
    #[error("the data plane '{}' is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds it.
    #[error("the data plane '{}' is locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A declared table cannot be a table.
    #[error("a declared table is wrong: {message}")]
    Declaration {
        /// Which, and why.
        message: String,
    },
}

/// The one connection that writes, its file ready for use.
pub(super) fn writer(path: &Path, options: &Options) -> Result<Connection, OpenError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let wrap = |error: rusqlite::Error| classify(path, &error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::CannotOpen {
            path: path.to_owned(),
            message: format!("its folder cannot be made: {error}"),
        })?;
    }
    let mut connection = Connection::open_with_flags(path, flags).map_err(wrap)?;
    connection.busy_timeout(options.busy_timeout).map_err(wrap)?;
    check_owner(path, &connection)?;
    if connection.is_readonly("main").map_err(wrap)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(wrap)?;
    if mode != "wal" {
        return Err(OpenError::CannotOpen {
            path: path.to_owned(),
            message: format!("its file system does not carry a write-ahead log (journal mode '{mode}')"),
        });
    }
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = {synchronous}; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -32768;"
        ))
        .map_err(wrap)?;
    migrate(path, &mut connection)?;
    // waits for other writers are cut into slices, so that a stopped call does not sit them out
    connection.busy_timeout(BUSY_SLICE.min(options.busy_timeout)).map_err(wrap)?;
    Ok(connection)
}

/// How long one attempt to begin a write waits inside SQLite.
const BUSY_SLICE: Duration = Duration::from_millis(100);

/// A connection that only reads.
pub(super) fn reader(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    // without this a misspelt column in double quotes is a text
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192;")?;
    Ok(connection)
}

/// Whose file it is. A new or nameless file may become a data plane, its tables stay; one whose `user_version` another
/// program counts must not.
fn check_owner(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let wrap = |error: rusqlite::Error| classify(path, &error);
    let application: i32 =
        connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(wrap)?;
    let version = user_version(connection).map_err(wrap)?;
    let foreign = |what: String| Err(OpenError::Foreign { path: path.to_owned(), what });
    match (application, version) {
        (APPLICATION_ID, version) if version > SCHEMA_VERSION => {
            Err(OpenError::Newer { path: path.to_owned(), found: version, known: SCHEMA_VERSION })
        }
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        (0, version) => foreign(format!("the database of another program (its user_version is {version})")),
        (run_store::APPLICATION_ID, _) => foreign("a run store".to_owned()),
        (other, _) => {
            foreign(format!("the database of another program (its application_id is {other:#010x})"))
        }
    }
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let mut run = || -> rusqlite::Result<()> {
        if user_version(connection)? >= SCHEMA_VERSION {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // another process may have been faster
        let version = usize::try_from(user_version(&transaction)?).unwrap_or(0);
        for migration in MIGRATIONS.iter().skip(version) {
            transaction.execute_batch(migration)?;
        }
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
        ))?;
        transaction.commit()
    };
    run().map_err(|error| classify(path, &error))
}

fn user_version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn classify(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error::code(error) {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        Some(ErrorCode::DiskFull) => OpenError::CannotOpen { path, message: "the disk is full".to_owned() },
        _ => OpenError::CannotOpen { path, message: error::text(error) },
    }
}
