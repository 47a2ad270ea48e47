//! Connections to the file: one that writes, and a few that only read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lorchestra_core::run_store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::Fault;
use super::migrate;
use super::options::{OpenOptions, Synchronous};

/// More statements than the store has, so that none is ever prepared twice.
const STATEMENT_CACHE: usize = 64;
/// Readers kept open; more are opened when more read at the same time, and closed afterwards.
const IDLE_READERS: usize = 4;

/// Opens the file for writing, creating and migrating it as needed.
pub(super) fn writer(path: &Path, options: &OpenOptions) -> Result<Connection, StoreError> {
    let fault = |error: rusqlite::Error| Fault::from(error).in_store(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(options.busy_timeout).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    migrate::check(&connection, path)?;
    if connection.is_readonly("main").map_err(fault)? {
        return Err(StoreError::Unusable(format!(
            "run store '{}' cannot be written: the file, its directory or its file system is read-only",
            path.display()
        )));
    }
    write_ahead(&connection, path, options.busy_timeout)?;
    set_synchronous(&connection, options.synchronous).map_err(fault)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(fault)?;
    migrate::migrate(&connection, path)?;
    Ok(connection)
}

fn set_synchronous(connection: &Connection, synchronous: Synchronous) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "synchronous", synchronous.as_str())
}

/// Switches to the write-ahead log. SQLite does not wait by itself when another process does the same just now.
fn write_ahead(connection: &Connection, path: &Path, patience: Duration) -> Result<(), StoreError> {
    let started = Instant::now();
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switched {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Unusable(format!(
                    "run store '{}' cannot use a write-ahead log (its journal mode stays '{mode}'): put it on a local \
                     file system",
                    path.display()
                )));
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(Fault::from(error).in_store(path)),
        }
    }
}

/// Connections that cannot write. A reader never waits for the writer, nor the writer for it.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self { path: path.to_owned(), busy_timeout, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` on one connection, in one read transaction: all that it sees is of one moment.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let connection = match self.idle().pop() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| Fault::from(error).in_store(&self.path))?,
        };
        let answer = in_transaction(&connection, read);
        let mut idle = self.idle();
        if connection.is_autocommit() && idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        answer.map_err(|fault| fault.in_store(&self.path))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        Ok(connection)
    }
}

fn in_transaction<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let answer = read(connection);
    // nothing was written: how it ends does not matter, and a connection that cannot end it is not used again
    let _ = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn commits_are_as_durable_as_was_asked_for() {
        // the numbers of PRAGMA synchronous
        for (synchronous, number) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
            let dir = tempfile::tempdir().unwrap();
            let clock = Arc::new(testkit::FixedClock::default());
            let options = OpenOptions { synchronous, ..OpenOptions::new(clock, dir.path()) };
            let connection = writer(&dir.path().join("runs.db"), &options).unwrap();
            let pragma = |name: &str| -> rusqlite::types::Value {
                connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
            };
            assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(number));
            assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".into()));
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let clock = Arc::new(testkit::FixedClock::default());
        writer(&path, &OpenOptions::new(clock, dir.path())).unwrap();
        let readers = Readers::new(&path, Duration::ZERO);
        let refused = readers.read(|connection| Ok(connection.execute("DELETE FROM runs", [])?));
        assert!(matches!(refused, Err(StoreError::Unusable(_))), "{refused:?}");
    }
}
