//! Runs a transform to its end on this thread.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use compute_client::{
    CallMeta, ComputeError, Language, LocalCompute, Mode, OnError, RowStream, Stop, TransformItem,
    TransformRequest, TransformStats,
};
use compute_local::LocalComputeEngine;
use futures_util::{StreamExt, stream};
use lorchestra_json::RowBatch;
use serde_json::Value;

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future` on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// A request for each row on one worker.
pub(crate) fn request(program: &str) -> TransformRequest {
    TransformRequest {
        program: program.to_owned().into(),
        reference: "test@1.0.0".into(),
        language: Language::Jq,
        mode: Mode::Each,
        on_error: OnError::Fail,
        max_parallel: NonZeroUsize::MIN,
    }
}

/// Rows as a stream of batches of at most `batch_rows`.
pub(crate) fn input(rows: &[Value], batch_rows: usize) -> RowStream {
    let batches: Vec<_> = rows.chunks(batch_rows).map(|rows| Ok(RowBatch::of(rows))).collect();
    stream::iter(batches).boxed()
}

/// Everything that came out of a transform.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Output {
    pub(crate) rows: Vec<Value>,
    pub(crate) quarantined: Vec<Value>,
    pub(crate) stats: TransformStats,
}

/// Runs `request` to its end.
pub(crate) fn transform(
    engine: &LocalComputeEngine,
    request: TransformRequest,
    input: RowStream,
) -> Result<Output, ComputeError> {
    block_on(async {
        let mut items = engine.transform(&CallMeta::default(), request, input, Stop::never()).await?;
        let mut output = Output::default();
        let mut done = false;
        while let Some(item) = items.next().await {
            assert!(!done, "nothing comes after the last item");
            match item? {
                TransformItem::Rows(batch) => output.rows.extend(values(&batch)),
                TransformItem::Quarantined(batch) => output.quarantined.extend(values(&batch)),
                TransformItem::Done(stats) => {
                    output.stats = stats;
                    done = true;
                }
            }
        }
        assert!(done, "a transform ends with its stats");
        Ok(output)
    })
}

fn values(batch: &RowBatch) -> Vec<Value> {
    batch.rows().map(Result::unwrap).collect()
}
