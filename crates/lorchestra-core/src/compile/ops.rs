//! The op of a step: looked up, its backend there, its params of the kinds it takes.

use serde_json::{Map, Value};

use crate::diagnostic::{Span, codes, quoted};
use crate::job_def::StepDef;
use crate::op::{OpSpec, ParamProblem, check_members};
use crate::yaml::Node;

use super::pass::Pass;
use super::references::available;

impl<'a> Pass<'a> {
    /// The spec of the step's op; `None`, reported, when there is none.
    pub(super) fn op(&mut self, step: &StepDef) -> Option<&'a OpSpec> {
        let name = step.op.as_str();
        let Some(spec) = self.catalog.ops.get(name) else {
            let error = if self.catalog.planned_ops.contains(name) {
                let message = format!("the op {} is not supported yet", quoted(name));
                self.error(codes::NOT_SUPPORTED_YET, message, step.op.span)
            } else {
                let message = format!("unknown op {}", quoted(name));
                self.error(codes::UNKNOWN_OP, message, step.op.span)
                    .help(available(name, self.catalog.ops.keys().map(String::as_str)))
            };
            self.report(error);
            return None;
        };
        if !self.catalog.backends.contains(&spec.backend) {
            let message = format!("No handler registered for backend '{}'", spec.backend);
            let error = self.error(codes::NO_HANDLER, message, step.op.span);
            self.report(error);
        }
        Some(spec)
    }

    /// Checks `params` against what the op takes. `open` are the pointers of values that are not known yet.
    pub(super) fn check_params(
        &mut self,
        step: &StepDef,
        spec: &OpSpec,
        params: &Map<String, Value>,
        open: &[String],
    ) {
        let mut problems = Vec::new();
        check_members(&spec.params, params, "", open, &mut problems);
        if let Some(check) = spec.check.filter(|_| problems.is_empty()) {
            problems = check(&Value::Object(params.clone()), open);
        }
        for problem in problems {
            self.report_param(step, spec, problem);
        }
    }

    pub(super) fn report_param(&mut self, step: &StepDef, spec: &OpSpec, problem: ParamProblem) {
        let ParamProblem { at, message, help } = problem;
        let not_built = message.ends_with("is not supported yet");
        let about_the_key = not_built || message.starts_with("unknown key");
        let span = place_of(&step.params, &at, about_the_key);
        // `must be an integer` needs to say what must; other messages do
        let message =
            if message.starts_with("must") { format!("{} {message}", quoted(&path(&at))) } else { message };
        let code = if not_built { codes::NOT_SUPPORTED_YET } else { codes::OP_PARAM };
        let error = self.error(code, format!("{message} (params of {})", spec.name), span).maybe_help(help);
        self.report(error);
    }
}

/// `/filters/0/op` as people write it: `filters[0].op`.
pub(super) fn path(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.is_empty() {
            path.push_str(&format!("[{token}]"));
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(&token);
        }
    }
    if path.is_empty() { "params".to_owned() } else { path }
}

/// The place of what stands at `at` below `params`, or of the nearest thing around it: a value that a reference gave
/// has no place of its own. With `key`, the place of the key.
pub(super) fn place_of(params: &Node, at: &str, key: bool) -> Span {
    let mut pointer = at;
    loop {
        if let Some(node) = params.pointer(pointer) {
            let parent = pointer.rsplit_once('/').and_then(|(parent, _)| params.pointer(parent));
            let entry = parent.and_then(Node::as_map).and_then(|entries| {
                entries.iter().find(|(_, value)| std::ptr::eq(value, node)).filter(|_| key && pointer == at)
            });
            return entry.map_or(node.span, |(key, _)| key.span);
        }
        pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        if pointer.is_empty() {
            return params.span;
        }
    }
}
