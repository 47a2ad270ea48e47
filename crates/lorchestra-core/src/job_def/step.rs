//! One step from its YAML.

use super::id::{STEP_ID_RULE, is_step_id};
use super::keys;
use super::model::StepDef;
use crate::diagnostic::{Span, Spanned, codes, did_you_mean, quoted};
use crate::fields::Fields;
use crate::yaml::{Key, Node, Value};

/// The limit of one try where a step says none, in seconds.
pub(super) const TIMEOUT_S: u64 = 300;

impl Fields<'_> {
    /// The step at `position`; `None` when it has no id or no op. Whether ids are unique is not judged here.
    pub(super) fn step(&mut self, position: usize, node: &Node) -> Option<StepDef> {
        let Some(entries) = node.as_map() else {
            let diagnostic = self.must_be(codes::WRONG_TYPE, &format!("steps[{position}]"), "a dict", node);
            self.report(diagnostic);
            return None;
        };
        let place = match node.get("step_id").and_then(Node::as_str) {
            Some(step_id) => format!("in step {}", quoted(step_id)),
            None => format!("in 'steps[{position}]'"),
        };
        for (key, _) in entries {
            self.step_key(key, &place);
        }
        let start = Span::at(node.span.start);
        let step_id = match node.get("step_id") {
            Some(node) => self.step_id(node),
            None => {
                self.missing_key("step_id", &place, start);
                None
            }
        };
        let op = match node.get("op") {
            Some(node) => self.non_empty("op", node),
            None => {
                self.missing_key("op", &place, start);
                None
            }
        };
        let params = match node.get("params") {
            Some(params) => self.map("params", params).map(|_| params.clone()),
            None => Some(Node { span: start, value: Value::Map(Vec::new()) }),
        };
        let needs = node.get("needs").and_then(|node| self.needs(node));
        let if_ = node.get("if").and_then(|node| self.expression("if", node));
        let when = node.get("when").and_then(|node| self.expression("when", node));
        let retry = node.get("retry").map(|node| self.retry(node)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "300")]
        let timeout_s =
            node.get("timeout_s").map_or(Some(TIMEOUT_S as f64), |node| self.seconds("timeout_s", node));
        let continue_on_error =
            node.get("continue_on_error").and_then(|node| self.boolean("continue_on_error", node));
        let idempotency = self.idempotency(node.get("idempotency"), params.as_ref());
        let phase_id = node.get("phase_id").and_then(|node| self.non_empty("phase_id", node));
        if let Some(node) = node.get("role") {
            self.role(node);
        }
        Some(StepDef {
            step_id: step_id?,
            op: op?,
            params: params?,
            needs,
            if_,
            when,
            retry,
            timeout_s: timeout_s?,
            continue_on_error: continue_on_error.unwrap_or(false),
            idempotency,
            phase_id: phase_id.map(|phase_id| phase_id.value),
            span: node.span,
        })
    }

    fn step_key(&mut self, key: &Key, place: &str) {
        let name = key.name.as_str();
        if keys::STEP.contains(&name) {
            return;
        }
        if keys::STEP_LATER.contains(&name) {
            self.not_supported_yet(&format!("the step key {}", quoted(name)), key.span);
            return;
        }
        let help = did_you_mean(name, keys::known_step()).or_else(|| {
            keys::known_top_level()
                .any(|known| known == name)
                .then(|| format!("'{name}' belongs to the top level"))
        });
        let help = help.unwrap_or_else(|| format!("a step takes {}", keys::STEP.join(", ")));
        let message = format!("unknown key {} {place}", quoted(name));
        self.report(self.error(codes::UNKNOWN_KEY, message, key.span).help(help));
    }

    pub(super) fn not_supported_yet(&mut self, what: &str, span: Span) {
        self.report(self.error(codes::NOT_SUPPORTED_YET, format!("{what} is not supported yet"), span));
    }

    fn step_id(&mut self, node: &Node) -> Option<Spanned<String>> {
        let step_id = self.string("step_id", node)?;
        if !is_step_id(&step_id) {
            let message = format!("{} is not a step_id", quoted(&step_id));
            let help = format!("a step_id has {STEP_ID_RULE}");
            self.report(self.error(codes::INVALID_ID, message, node.span).help(help));
        }
        Some(step_id)
    }

    fn needs(&mut self, node: &Node) -> Option<Vec<Spanned<String>>> {
        let items = self.list("needs", "a list of step ids", node)?;
        let name = |position| format!("needs[{position}]");
        Some(items.iter().enumerate().filter_map(|(at, item)| self.non_empty(&name(at), item)).collect())
    }

    fn role(&mut self, node: &Node) {
        match node.as_str() {
            Some("step") => {}
            Some(role) if keys::ROLES_LATER.contains(&role) => {
                self.not_supported_yet(&format!("the role {}", quoted(role)), node.span);
            }
            _ => {
                let mut words = vec![("step", ())];
                words.extend(keys::ROLES_LATER.iter().map(|role| (*role, ())));
                self.choice("role", node, &words);
            }
        }
    }
}
