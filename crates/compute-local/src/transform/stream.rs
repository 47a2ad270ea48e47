//! The stream of one transform: feeds its workers from the input, and gives their outputs in the order of the input.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use compute_client::{
    ComputeError, Mode, OnError, RowStream, Stop, TransformItem, TransformRequest, TransformStats,
    TransformStream,
};
use futures_core::Stream;
use lorchestra_json::RowBatch;

use super::pipe::{self, Receiver};
use super::pool::Pool;
use super::task::{Job, Piece, Rows, Task};
use crate::Limits;
use crate::jq::Program;

/// Rows of one task, when there are several workers. Small enough that a single batch keeps them all busy.
const CHUNK_ROWS: usize = 128;

/// Compiles the program and starts its workers.
pub(crate) fn transform(
    request: TransformRequest,
    limits: &Limits,
    deadline: Option<Instant>,
    input: RowStream,
    stop: Stop,
) -> Result<TransformStream, ComputeError> {
    if request.mode == Mode::All && request.on_error != OnError::Fail {
        return Err(ComputeError::InvalidRequest {
            message: format!(
                "transform {}: on_error: skip and quarantine need mode: each; with mode: all no single record fails",
                request.reference
            ),
        });
    }
    let program = compile(&request)?;
    let workers = match request.mode {
        Mode::Each => request.max_parallel.min(limits.max_workers).get(),
        Mode::All => 1,
    };
    let job = Arc::new(Job {
        program,
        reference: request.reference,
        on_error: request.on_error,
        limits: limits.clone(),
        deadline,
        stop,
    });
    let work = Arc::clone(&job);
    let pool = Pool::start(workers, move |task| work.run(task)).map_err(|error| ComputeError::Internal {
        message: format!("the threads of transform {} could not be started: {error}", job.reference),
        retryable: true,
    })?;
    Ok(Box::pin(Run {
        input: Some(input),
        list: (request.mode == Mode::All).then(List::default),
        next_row: 0,
        chunk_rows: if workers == 1 { usize::MAX } else { CHUNK_ROWS },
        waiting: VecDeque::new(),
        in_flight: VecDeque::new(),
        max_in_flight: workers * 2,
        pool,
        job,
        stats: TransformStats::default(),
        input_error: None,
        ended: false,
    }))
}

fn compile(request: &TransformRequest) -> Result<Program, ComputeError> {
    let problem =
        |line, message: &str| compute_client::Problem { line, column: None, message: message.into() };
    let compiled = match std::str::from_utf8(&request.program) {
        Ok(source) => Program::compile(source),
        Err(error) => {
            let before = &request.program[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(vec![problem(line, "the program is not UTF-8")])
        }
    };
    compiled
        .map_err(|problems| ComputeError::InvalidProgram { reference: request.reference.clone(), problems })
}

/// Rows gathered for `mode: all`.
#[derive(Default)]
struct List {
    batches: Vec<RowBatch>,
    rows: usize,
    bytes: usize,
}

struct Run {
    /// None once it has ended.
    input: Option<RowStream>,
    /// Gathers the input in `mode: all`; none in `mode: each` and once it was handed to a worker.
    list: Option<List>,
    next_row: u64,
    chunk_rows: usize,
    /// Chunks of the last batch that no worker has yet.
    waiting: VecDeque<Rows>,
    /// Tasks in the order of the input.
    in_flight: VecDeque<Receiver<Piece>>,
    max_in_flight: usize,
    pool: Pool<Task>,
    job: Arc<Job>,
    stats: TransformStats,
    /// Comes after the outputs of the rows before it.
    input_error: Option<ComputeError>,
    ended: bool,
}

impl Run {
    /// Gives the workers as much as they may have; afterwards either they are busy, or the input has ended or waits.
    fn feed(&mut self, context: &mut Context<'_>) {
        loop {
            while self.in_flight.len() < self.max_in_flight
                && let Some(rows) = self.waiting.pop_front()
            {
                let (sender, receiver) = pipe::channel();
                self.pool.submit(Task { rows, pieces: sender });
                self.in_flight.push_back(receiver);
            }
            if self.in_flight.len() >= self.max_in_flight {
                return;
            }
            let Some(input) = &mut self.input else { return };
            match input.as_mut().poll_next(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(batch))) => self.take(batch),
                Poll::Ready(Some(Err(error))) => {
                    self.input_error = Some(error);
                    self.input = None;
                }
                Poll::Ready(None) => {
                    self.input = None;
                    self.waiting.extend(self.list.take().map(|list| Rows::List(list.batches)));
                }
            }
        }
    }

    fn take(&mut self, batch: RowBatch) {
        if let Some(list) = &mut self.list {
            let limits = &self.job.limits;
            list.rows += batch.len();
            list.bytes += batch.ndjson().len();
            if list.rows > limits.list_rows || list.bytes > limits.list_bytes {
                self.input_error = Some(ComputeError::InputLimit {
                    reference: self.job.reference.clone(),
                    limit_rows: limits.list_rows as u64,
                    limit_bytes: limits.list_bytes as u64,
                });
                self.input = None;
                self.list = None;
            } else {
                list.batches.push(batch);
            }
            return;
        }
        let batch = Arc::new(batch);
        let mut start = 0;
        while start < batch.len() {
            let end = batch.len().min(start.saturating_add(self.chunk_rows));
            let rows = Rows::Chunk { batch: Arc::clone(&batch), range: start..end, first_row: self.next_row };
            self.waiting.push_back(rows);
            self.next_row += (end - start) as u64;
            start = end;
        }
    }

    fn end(&mut self, last: Result<TransformItem, ComputeError>) -> Poll<Option<<Self as Stream>::Item>> {
        self.ended = true;
        self.input = None;
        self.waiting.clear();
        self.in_flight.clear();
        Poll::Ready(Some(last))
    }
}

impl Stream for Run {
    type Item = Result<TransformItem, ComputeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let run = &mut *self;
        if run.ended {
            return Poll::Ready(None);
        }
        if run.job.stop.is_set() {
            return run.end(Err(ComputeError::Cancelled));
        }
        loop {
            run.feed(context);
            let Some(first) = run.in_flight.front() else {
                if run.input.is_some() {
                    return Poll::Pending;
                }
                let done = TransformItem::Done(std::mem::take(&mut run.stats));
                let last = run.input_error.take().map_or(Ok(done), Err);
                return run.end(last);
            };
            match ready!(first.poll_next(context)) {
                Some(Piece::Rows(batch)) => return Poll::Ready(Some(Ok(TransformItem::Rows(batch)))),
                Some(Piece::Quarantined(batch)) => {
                    return Poll::Ready(Some(Ok(TransformItem::Quarantined(batch))));
                }
                Some(Piece::Finished(stats)) => {
                    run.stats.add(stats);
                    run.in_flight.pop_front();
                }
                Some(Piece::Failed(error)) => return run.end(Err(error)),
                None => {
                    let message = format!("a thread of transform {} broke", run.job.reference);
                    return run.end(Err(ComputeError::Internal { message, retryable: false }));
                }
            }
        }
    }
}
