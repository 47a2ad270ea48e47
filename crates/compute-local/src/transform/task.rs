//! The work of one thread: the rows of a chunk, one after the other, or a whole list.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use compute_client::{ComputeError, MAX_REPORTED_ERRORS, OnError, RowFailure, Stop, TransformStats};
use lorchestra_json::{RowBatch, RowBatchBuilder};
use serde_json::json;

use super::pipe::{ReceiverGone, Sender};
use crate::Limits;
use crate::jq::{Failure, Outputs, Program, RunLimits};

/// What all tasks of one transform share.
pub(super) struct Job {
    pub(super) program: Program,
    pub(super) reference: String,
    pub(super) on_error: OnError,
    pub(super) limits: Limits,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: Stop,
}

/// Rows, and where their outputs go.
pub(super) struct Task {
    pub(super) rows: Rows,
    pub(super) pieces: Sender<Piece>,
}

pub(super) enum Rows {
    /// Some rows of a batch; `first_row` is the position in the input of the first of them.
    Chunk { batch: Arc<RowBatch>, range: Range<usize>, first_row: u64 },
    /// All rows of the input.
    List(Vec<RowBatch>),
}

/// What comes back from a task: batches, then stats or an error.
pub(super) enum Piece {
    Rows(RowBatch),
    Quarantined(RowBatch),
    Finished(TransformStats),
    Failed(ComputeError),
}

impl Job {
    pub(super) fn run(&self, task: Task) {
        if task.pieces.receiver_gone() {
            return;
        }
        let done = match &task.rows {
            Rows::Chunk { batch, range, first_row } => {
                self.run_chunk(batch, range.clone(), *first_row, &task.pieces)
            }
            Rows::List(batches) => self.run_list(batches, &task.pieces),
        };
        // when nobody listens any more there is nobody to tell
        drop(done);
    }

    fn run_chunk(
        &self,
        batch: &RowBatch,
        range: Range<usize>,
        first_row: u64,
        pieces: &Sender<Piece>,
    ) -> Result<(), ReceiverGone> {
        let limits = self.run_limits(self.limits.row_time, self.limits.row_output_bytes);
        let mut stats = TransformStats::default();
        let mut outputs = Outputs::default();
        let mut rows = RowBatchBuilder::default();
        let mut quarantined = RowBatchBuilder::default();
        for (line, row) in batch.lines().skip(range.start).take(range.len()).zip(first_row..) {
            stats.input += 1;
            match self.program.run_row(line, &limits, &mut outputs) {
                Ok(()) => stats.output += push_all(&outputs, &mut rows, pieces)?,
                Err(failure) if self.on_error == OnError::Fail || !failure.is_of_the_row() => {
                    return pieces.send(Piece::Failed(self.error(failure, Some(row), &limits)));
                }
                Err(failure) => {
                    let message = match failure {
                        Failure::Said(message) => message,
                        limit => self.error(limit, None, &limits).to_string(),
                    };
                    if self.on_error == OnError::Quarantine {
                        stats.quarantined += 1;
                        quarantined.push(&quarantine(row, &message, line));
                        if quarantined.is_full() {
                            pieces.send(Piece::Quarantined(quarantined.take()))?;
                        }
                    } else {
                        stats.skipped += 1;
                    }
                    if stats.errors.len() < MAX_REPORTED_ERRORS {
                        stats.errors.push(RowFailure { row, message });
                    }
                }
            }
        }
        if !rows.is_empty() {
            pieces.send(Piece::Rows(rows.finish()))?;
        }
        if !quarantined.is_empty() {
            pieces.send(Piece::Quarantined(quarantined.finish()))?;
        }
        pieces.send(Piece::Finished(stats))
    }

    fn run_list(&self, batches: &[RowBatch], pieces: &Sender<Piece>) -> Result<(), ReceiverGone> {
        let limits = self.run_limits(self.limits.list_time, self.limits.list_output_bytes);
        let mut outputs = Outputs::default();
        let lines = batches.iter().flat_map(RowBatch::lines);
        if let Err(failure) = self.program.run_list(lines, &limits, &mut outputs) {
            return pieces.send(Piece::Failed(self.error(failure, None, &limits)));
        }
        let mut rows = RowBatchBuilder::default();
        let output = push_all(&outputs, &mut rows, pieces)?;
        if !rows.is_empty() {
            pieces.send(Piece::Rows(rows.finish()))?;
        }
        let input = batches.iter().map(|batch| batch.len() as u64).sum();
        pieces.send(Piece::Finished(TransformStats { input, output, ..TransformStats::default() }))
    }

    fn run_limits(&self, time: std::time::Duration, output_bytes: usize) -> RunLimits<'_> {
        RunLimits { time, output_bytes, deadline: self.deadline, stop: &self.stop }
    }

    fn error(&self, failure: Failure, row: Option<u64>, limits: &RunLimits<'_>) -> ComputeError {
        let reference = self.reference.clone();
        match failure {
            Failure::Said(message) => ComputeError::Program { reference, row, message },
            Failure::OutputLimit => ComputeError::OutputLimit {
                subject: format!("transform {reference}"),
                row,
                limit_bytes: limits.output_bytes as u64,
            },
            Failure::TimeLimit => {
                let limit_ms = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
                ComputeError::TimeLimit { reference, row, limit_ms }
            }
            Failure::DeadlineExceeded => ComputeError::DeadlineExceeded,
            Failure::Cancelled => ComputeError::Cancelled,
        }
    }
}

fn push_all(
    outputs: &Outputs,
    rows: &mut RowBatchBuilder,
    pieces: &Sender<Piece>,
) -> Result<u64, ReceiverGone> {
    let mut count = 0;
    for line in outputs.lines() {
        rows.push_line(line);
        count += 1;
        if rows.is_full() {
            pieces.send(Piece::Rows(rows.take()))?;
        }
    }
    Ok(count)
}

fn quarantine(row: u64, message: &str, line: &[u8]) -> serde_json::Value {
    let record = serde_json::from_slice::<serde_json::Value>(line)
        .unwrap_or_else(|_| String::from_utf8_lossy(line).into());
    json!({"row": row, "error": message, "record": record})
}
