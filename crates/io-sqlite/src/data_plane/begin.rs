//! Begins a transaction that writes. Another process may hold the file: it waits in slices, so that a call that is
//! stopped meanwhile does not sit the wait out.

use std::time::{Duration, Instant};

use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use storacle_client::StoracleError;

use super::error;
use super::halt::Halt;

/// Begins, or gives up after `patience`. Dropped without a commit, the transaction is rolled back.
pub(super) fn begin<'c>(
    connection: &'c Connection,
    halt: &Halt,
    patience: Duration,
) -> Result<Transaction<'c>, StoracleError> {
    let started = Instant::now();
    loop {
        if let Some(reason) = halt.reason() {
            return Err(reason);
        }
        match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
            Ok(transaction) => return Ok(transaction),
            Err(error) => {
                let is_busy = error::code(&error) == Some(ErrorCode::DatabaseBusy);
                if !is_busy || started.elapsed() >= patience {
                    return Err(error::of_write(&error));
                }
            }
        }
    }
}
