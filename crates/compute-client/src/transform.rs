//! The request and the item stream of `transform`. Nothing here runs a program.

use std::num::NonZeroUsize;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use lorchestra_json::RowBatch;
use serde::{Deserialize, Serialize};

use crate::ComputeError;

/// Rows on their way into a transform. A failing source ends it with [`ComputeError::Input`].
pub type RowStream = Pin<Box<dyn Stream<Item = Result<RowBatch, ComputeError>> + Send>>;

/// What comes out of a transform: any number of batches, then [`TransformItem::Done`] or one error.
pub type TransformStream = Pin<Box<dyn Stream<Item = Result<TransformItem, ComputeError>> + Send>>;

/// How many errors [`TransformStats`] keeps; all of them are counted.
pub const MAX_REPORTED_ERRORS: usize = 20;

/// The language of a transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Language {
    /// The jq language, without what would let a program see more than its input.
    #[default]
    Jq,
}

/// What the program gets as its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each row by itself, in bounded memory.
    #[default]
    Each,
    /// All rows as one list, within a limit.
    All,
}

/// What happens when the program fails on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The transform fails; the row with the lowest number is named.
    #[default]
    Fail,
    /// The row is left out and counted.
    Skip,
    /// The row and its error come out as [`TransformItem::Quarantined`].
    Quarantine,
}

/// A program and how to run it.
#[derive(Debug, Clone)]
pub struct TransformRequest {
    /// The program's text; the caller has read it, by hash.
    pub program: Bytes,
    /// What the job calls the program, for messages: `github/activity@1.0.0`.
    pub reference: String,
    /// The language the text is in.
    pub language: Language,
    /// One row at a time, or all at once.
    pub mode: Mode,
    /// What a failing row does to the rest; `mode: all` knows only [`OnError::Fail`].
    pub on_error: OnError,
    /// At most this many rows are worked on at the same time. The output does not depend on it.
    pub max_parallel: NonZeroUsize,
}

/// One item of a [`TransformStream`].
#[derive(Debug, Clone, PartialEq)]
pub enum TransformItem {
    /// Outputs of the program, in the order of the input. A row may give none, one or many.
    Rows(RowBatch),
    /// Rows the program failed on, each `{"row": number, "error": text, "record": the row}`; a record that is not JSON
    /// stands there as text.
    Quarantined(RowBatch),
    /// The last item.
    Done(TransformStats),
}

/// What a transform did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TransformStats {
    /// Rows read.
    pub input: u64,
    /// Rows written.
    pub output: u64,
    /// Rows left out because the program failed on them.
    pub skipped: u64,
    /// Rows set aside because the program failed on them.
    pub quarantined: u64,
    /// The first [`MAX_REPORTED_ERRORS`] failures, in the order of the input.
    pub errors: Vec<RowFailure>,
}

impl TransformStats {
    /// Adds what was done with the rows that come next in the input.
    pub fn add(&mut self, next: Self) {
        self.input += next.input;
        self.output += next.output;
        self.skipped += next.skipped;
        self.quarantined += next.quarantined;
        let room = MAX_REPORTED_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(next.errors.into_iter().take(room));
    }
}

/// A row that the program failed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFailure {
    /// Position of the row in the input, from 0.
    pub row: u64,
    /// What went wrong.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_count_everything_and_keep_the_first_twenty_errors() {
        let of = |rows: std::ops::Range<u64>| TransformStats {
            input: 20,
            output: 3,
            skipped: rows.end - rows.start,
            quarantined: 0,
            errors: rows.map(|row| RowFailure { row, message: String::new() }).collect(),
        };
        let mut stats = of(0..15);
        stats.add(of(20..35));
        assert_eq!((stats.input, stats.output, stats.skipped), (40, 6, 30));
        let rows: Vec<u64> = stats.errors.iter().map(|failure| failure.row).collect();
        assert_eq!(rows, (0..15).chain(20..25).collect::<Vec<_>>());
    }
}
