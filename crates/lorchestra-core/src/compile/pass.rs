//! One pass over a job: what it works with, and how it reports.

use std::ops::Range;

use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, Spanned};
use crate::instance::{INSTANCE_FORMAT, JobInstance, StepInstance};
use crate::job_def::JobDef;
use crate::yaml::Node;

use super::CompileContext;
use super::graph::Graph;
use super::values::Values;

/// A pass over one job. With unknown context and payload it checks; with known ones it compiles.
pub(super) struct Pass<'a> {
    pub(super) job: &'a JobDef,
    pub(super) catalog: &'a Catalog,
    pub(super) values: Values<'a>,
    pub(super) graph: Graph<'a>,
    diagnostics: Diagnostics,
}

/// A text of the job and the place where it stands.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) text: &'t str,
    pub(super) span: Span,
}

impl<'t> Text<'t> {
    pub(super) fn of(text: &'t Spanned<String>) -> Self {
        Self { text: &text.value, span: text.span }
    }

    /// The text of `node`, where it is one.
    pub(super) fn of_node(node: &'t Node) -> Option<Self> {
        node.as_str().map(|text| Self { text, span: node.span })
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(job: &'a JobDef, catalog: &'a Catalog, values: Values<'a>) -> Self {
        let mut diagnostics = Diagnostics::default();
        let graph = Graph::new(job, &mut diagnostics);
        Self { job, catalog, values, graph, diagnostics }
    }

    /// The findings, in the order of the text.
    pub(super) fn into_diagnostics(mut self) -> Diagnostics {
        self.diagnostics.sort();
        self.diagnostics
    }

    /// Checks everything; the steps that come out of it are dropped.
    pub(super) fn check(&mut self) {
        self.steps();
        self.output();
    }

    /// The instance; of use only when there are no findings.
    pub(super) fn instance(
        &mut self,
        context: &CompileContext,
        payload: serde_json::Map<String, serde_json::Value>,
    ) -> JobInstance {
        let steps = self.steps();
        let output = self.output();
        let resources = steps.iter().flat_map(|step| step.resources.clone()).collect();
        let mut instance = JobInstance {
            format: INSTANCE_FORMAT,
            job_id: self.job.job_id.value.clone(),
            job_version: self.job.version.value.clone(),
            job_def_sha256: self.job.job_def_sha256(),
            // stands in until all else is there
            instance_sha256: self.job.job_def_sha256(),
            compiled_at: context.compiled_at,
            payload,
            ctx: context.ctx.clone(),
            self_: self.job.extras_json(),
            resources,
            max_parallel: self.job.max_parallel,
            timeout_s: self.job.timeout_s,
            on_failure: self.job.on_failure,
            output,
            steps,
        };
        instance.instance_sha256 = instance.digest();
        instance
    }

    fn steps(&mut self) -> Vec<StepInstance> {
        (0..self.job.steps.len()).filter_map(|position| self.step(position)).collect()
    }

    pub(super) fn error(&self, code: Code, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.job.source, span)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The place of bytes `part` of `text`.
    pub(super) fn place(&self, text: Text<'_>, part: Range<usize>) -> Span {
        text.span.within(self.job.source.text(), text.text, part)
    }
}
