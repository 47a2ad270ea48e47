//! The traits that handlers call. They hold no default behaviour.

use async_trait::async_trait;

use crate::{
    CallMeta, ComputeError, RenderRequest, Rendered, RowStream, Stop, TransformRequest, TransformStream,
};

/// Transforms and renders: pure given their inputs, without network or file access.
#[async_trait]
pub trait LocalCompute: Send + Sync {
    /// Runs a program over a stream of rows.
    ///
    /// The program is compiled before this returns. Rows are processed as the returned stream is polled, and their
    /// outputs come in the order of the input. The stream ends after [`TransformItem::Done`] or after its first error;
    /// outputs seen before an error are those of earlier rows and must not be kept. Dropping the stream stops the work.
    ///
    /// [`TransformItem::Done`]: crate::TransformItem::Done
    ///
    /// # Errors
    /// [`ComputeError::InvalidProgram`] when the program does not compile, [`ComputeError::InvalidRequest`] when the
    /// options contradict each other. What goes wrong with rows arrives in the stream.
    async fn transform(
        &self,
        meta: &CallMeta,
        request: TransformRequest,
        input: RowStream,
        stop: Stop,
    ) -> Result<TransformStream, ComputeError>;

    /// Renders a template with one context.
    ///
    /// # Errors
    /// [`ComputeError::Template`] with the template's name and line, or a limit that was passed.
    async fn render(&self, meta: &CallMeta, request: RenderRequest) -> Result<Rendered, ComputeError>;
}

/// What a handler takes: everything the compute plane can do.
///
/// Every [`LocalCompute`] is one. `llm_invoke` and `extract` are not part of it before they are built.
pub trait ComputeClient: LocalCompute {}

impl<T: LocalCompute + ?Sized> ComputeClient for T {}
