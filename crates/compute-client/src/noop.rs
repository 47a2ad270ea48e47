//! The client that does nothing, for runs that only rehearse.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures_core::Stream;

use crate::{
    CallMeta, ComputeError, LocalCompute, RenderRequest, Rendered, RowStream, Stop, TransformItem,
    TransformRequest, TransformStats, TransformStream,
};

/// Accepts every call: a transform counts its rows and gives none, a template renders to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOpComputeClient;

#[async_trait]
impl LocalCompute for NoOpComputeClient {
    async fn transform(
        &self,
        _meta: &CallMeta,
        _request: TransformRequest,
        input: RowStream,
        stop: Stop,
    ) -> Result<TransformStream, ComputeError> {
        Ok(Box::pin(Counting { input: Some(input), stop, stats: TransformStats::default() }))
    }

    async fn render(&self, _meta: &CallMeta, _request: RenderRequest) -> Result<Rendered, ComputeError> {
        Ok(Rendered { rendered: String::new(), subject: None })
    }
}

struct Counting {
    /// None once the stream has ended.
    input: Option<RowStream>,
    stop: Stop,
    stats: TransformStats,
}

impl Stream for Counting {
    type Item = Result<TransformItem, ComputeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.input.is_some() && self.stop.is_set() {
                self.input = None;
                return Poll::Ready(Some(Err(ComputeError::Cancelled)));
            }
            let Some(input) = &mut self.input else { return Poll::Ready(None) };
            let last = match std::task::ready!(input.as_mut().poll_next(context)) {
                Some(Ok(batch)) => {
                    self.stats.input += batch.len() as u64;
                    continue;
                }
                Some(Err(error)) => Err(error),
                None => Ok(TransformItem::Done(std::mem::take(&mut self.stats))),
            };
            self.input = None;
            return Poll::Ready(Some(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::task::Waker;

    use lorchestra_json::RowBatch;

    use super::*;
    use crate::{Language, Mode, OnError};

    struct Batches(Vec<RowBatch>);

    impl Stream for Batches {
        type Item = Result<RowBatch, ComputeError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop().map(Ok))
        }
    }

    fn transform(stop: Stop) -> Poll<Option<Result<TransformItem, ComputeError>>> {
        let input = Box::pin(Batches(vec![RowBatch::from_ndjson(b"1\n2"), RowBatch::from_ndjson(b"3")]));
        let request = TransformRequest {
            program: Default::default(),
            reference: "t@1".into(),
            language: Language::Jq,
            mode: Mode::Each,
            on_error: OnError::Fail,
            max_parallel: NonZeroUsize::MIN,
        };
        let meta = CallMeta::default();
        let client: &dyn crate::ComputeClient = &NoOpComputeClient;
        let mut call = client.transform(&meta, request, input, stop);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(mut stream)) = call.as_mut().poll(&mut context) else { panic!("it never waits") };
        let item = stream.as_mut().poll_next(&mut context);
        assert!(matches!(stream.as_mut().poll_next(&mut context), Poll::Ready(None)));
        item
    }

    #[test]
    fn it_counts_what_it_is_given_and_gives_nothing() {
        let Poll::Ready(Some(Ok(TransformItem::Done(stats)))) = transform(Stop::never()) else { panic!() };
        assert_eq!((stats.input, stats.output), (3, 0));
    }

    #[test]
    fn it_stops_when_asked() {
        assert!(matches!(transform(Stop::when(|| true)), Poll::Ready(Some(Err(ComputeError::Cancelled)))));
    }
}
