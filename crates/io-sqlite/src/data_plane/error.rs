//! SQLite's errors as the data plane's. It decides the kind; which row or which statement it was, the callers say.

use rusqlite::ffi::ErrorCode;
use storacle_client::StoracleError;

/// An error of SQLite while reading or while setting up; a wrong statement is the statement's fault.
pub(super) fn of_read(error: &rusqlite::Error) -> StoracleError {
    if let Some(common) = common(error) {
        return common;
    }
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => {
            StoracleError::InvalidQuery { message: msg.clone(), position: None }
        }
        _ => match code(error) {
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::DiskFull,
            ) => StoracleError::Unavailable { message: text(error) },
            _ => StoracleError::InvalidQuery { message: text(error), position: None },
        },
    }
}

/// An error of SQLite while writing. The transaction is rolled back by the caller.
pub(super) fn of_write(error: &rusqlite::Error) -> StoracleError {
    if let Some(common) = common(error) {
        return common;
    }
    match code(error) {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            StoracleError::SchemaMismatch { message: text(error) }
        }
        Some(ErrorCode::DiskFull) => StoracleError::WriteFailed {
            message: "the disk is full; nothing was written".to_owned(),
            retryable: false,
        },
        _ => StoracleError::WriteFailed { message: text(error), retryable: false },
    }
}

/// What means the same wherever it happens.
fn common(error: &rusqlite::Error) -> Option<StoracleError> {
    match code(error)? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            Some(StoracleError::Unavailable {
                message: format!("another process holds the file ({})", text(error)),
            })
        }
        ErrorCode::OperationInterrupted => Some(StoracleError::Cancelled),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            Some(StoracleError::PermissionDenied { message: text(error) })
        }
        _ => None,
    }
}

/// SQLite's primary result code, if the error is SQLite's.
pub(super) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        _ => error.sqlite_error_code(),
    }
}

/// SQLite's own words.
pub(super) fn text(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
