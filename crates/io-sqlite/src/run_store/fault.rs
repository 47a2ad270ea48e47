//! What SQLite's errors mean for a run store: the one place that decides which `StoreError` they become.

use std::path::Path;

use lorchestra_core::run_store::StoreError;
use rusqlite::ErrorCode;

/// Why an operation did not happen.
#[derive(Debug)]
pub(super) enum Fault {
    /// Refused by a rule, before anything was written.
    Refused(StoreError),
    /// SQLite failed in the middle: what the operation wrote has to be rolled back.
    Sql(rusqlite::Error),
}

impl From<StoreError> for Fault {
    fn from(refusal: StoreError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// What the caller is told, of the store at `path`.
    pub(super) fn in_store(self, path: &Path) -> StoreError {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Sql(error) => of_sql(&error, path),
        }
    }
}

/// What a failed statement means. Not for COMMIT: whether that happened is unknown.
pub(super) fn of_sql(error: &rusqlite::Error, path: &Path) -> StoreError {
    let store = path.display();
    let Some(code) = error.sqlite_error_code() else {
        return StoreError::Unusable(format!("run store '{store}' answered what it should not: {error}"));
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            StoreError::Unavailable(format!(
                "'{store}' is locked by another process; it did not let go in time"
            ))
        }
        ErrorCode::DiskFull => {
            StoreError::Unavailable(format!("no space is left for '{store}'; nothing was written"))
        }
        ErrorCode::OutOfMemory => StoreError::Unavailable(format!("out of memory while using '{store}'")),
        ErrorCode::SystemIoFailure => {
            StoreError::Unavailable(format!("input or output on '{store}' failed: {error}"))
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::Unusable(format!(
            "run store '{store}' cannot be written: the file, its directory or its file system is read-only"
        )),
        ErrorCode::CannotOpen => StoreError::Unusable(format!(
            "run store '{store}' cannot be opened: check that its directory exists and may be written"
        )),
        ErrorCode::NotADatabase => StoreError::Unusable(format!(
            "'{store}' is not a SQLite database; nothing was changed: name another file for the run store"
        )),
        ErrorCode::DatabaseCorrupt => {
            StoreError::Unusable(format!("run store '{store}' is damaged: restore it from a copy ({error})"))
        }
        _ => StoreError::Unusable(format!("run store '{store}' failed: {error}")),
    }
}
