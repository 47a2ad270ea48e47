//! The keys of a step that hold a map of their own: `retry` and `idempotency`.

use super::keys;
use super::model::{Backoff, Idempotency, IdempotencyScope, RetryPolicy};
use crate::diagnostic::{codes, quoted};
use crate::fields::{Fields, MAX_SECONDS};
use crate::yaml::Node;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a constant that fits")]
const MAX_MS: u64 = MAX_SECONDS as u64 * 1_000;

impl Fields<'_> {
    /// Reports keys of `node` that are not `known`.
    fn only(&mut self, name: &str, node: &Node, known: &[&str]) {
        for (key, _) in self.map(name, node).unwrap_or_default() {
            if !known.contains(&key.name.as_str()) {
                self.unknown_key(key, &format!("in {}", quoted(name)), known);
            }
        }
    }

    pub(super) fn retry(&mut self, node: &Node) -> RetryPolicy {
        self.only("retry", node, keys::RETRY);
        let mut retry = RetryPolicy::default();
        if let Some(node) = node.get("max_attempts")
            && let Some(count) = self.integer("retry.max_attempts", node, 1, u64::from(u32::MAX))
        {
            retry.max_attempts = u32::try_from(count).unwrap_or(u32::MAX);
        }
        let words = [
            ("exponential", Backoff::Exponential),
            ("linear", Backoff::Linear),
            ("fixed", Backoff::Fixed),
            ("none", Backoff::None),
        ];
        if let Some(node) = node.get("backoff") {
            retry.backoff = self.choice("retry.backoff", node, &words).unwrap_or_default();
        }
        let mut milliseconds = |key: &str, default: u64| match node.get(key) {
            Some(node) => self.integer(&format!("retry.{key}"), node, 0, MAX_MS),
            None => Some(default),
        };
        let pauses = (milliseconds("initial_ms", retry.initial_ms), milliseconds("max_ms", retry.max_ms));
        if let (Some(initial_ms), Some(max_ms)) = pauses {
            // one of the two is written: the defaults go together
            if let Some(wrong) =
                node.get("initial_ms").or_else(|| node.get("max_ms")).filter(|_| initial_ms > max_ms)
            {
                let message =
                    format!("the first pause, {initial_ms} ms, is longer than 'retry.max_ms', {max_ms}");
                self.report(self.error(codes::CONFLICTING_KEYS, message, wrong.span));
            }
            (retry.initial_ms, retry.max_ms) = (initial_ms, max_ms);
        }
        if let Some(node) = node.get("jitter") {
            retry.jitter = self.boolean("retry.jitter", node).unwrap_or_default();
        }
        retry
    }

    /// `params` are the step's: with scope `explicit` they hold the key.
    pub(super) fn idempotency(&mut self, node: Option<&Node>, params: Option<&Node>) -> Idempotency {
        let mut idempotency = Idempotency::default();
        let explicit_key = params.and_then(|params| params.entry("idempotency_key"));
        let mut scope_known = true;
        if let Some(node) = node {
            self.only("idempotency", node, keys::IDEMPOTENCY);
            let words = [
                ("run", IdempotencyScope::Run),
                ("semantic", IdempotencyScope::Semantic),
                ("explicit", IdempotencyScope::Explicit),
            ];
            if let Some(node) = node.get("scope") {
                let scope = self.choice("idempotency.scope", node, &words);
                scope_known = scope.is_some();
                idempotency.scope = scope.unwrap_or_default();
            }
            if let Some(node) = node.get("semantic_key_ref") {
                idempotency.semantic_key_ref = self.non_empty("idempotency.semantic_key_ref", node);
            }
            if let Some(node) = node.get("include_payload_hash") {
                idempotency.include_payload_hash =
                    self.boolean("idempotency.include_payload_hash", node).unwrap_or_default();
            }
        }
        if !scope_known {
            return idempotency;
        }
        let semantic = idempotency.scope == IdempotencyScope::Semantic;
        if let Some(node) = node {
            match node.entry("semantic_key_ref") {
                None if semantic => self.report(self.error(
                    codes::CONFLICTING_KEYS,
                    "idempotency scope 'semantic' needs 'semantic_key_ref'",
                    node.span,
                )),
                Some((key, _)) if !semantic => self.report(
                    self.error(
                        codes::CONFLICTING_KEYS,
                        "'semantic_key_ref' has no meaning in this scope",
                        key.span,
                    )
                    .help("write scope: semantic"),
                ),
                _ => {}
            }
        }
        match (idempotency.scope, explicit_key, node) {
            (IdempotencyScope::Explicit, None, Some(node)) => self.report(self.error(
                codes::CONFLICTING_KEYS,
                "idempotency scope 'explicit' needs 'params.idempotency_key'",
                node.span,
            )),
            (IdempotencyScope::Run | IdempotencyScope::Semantic, Some((key, _)), _) => self.report(
                self.error(
                    codes::CONFLICTING_KEYS,
                    "'params.idempotency_key' is only for idempotency scope 'explicit'",
                    key.span,
                )
                .help("add idempotency: {scope: explicit} to the step, or leave the key out"),
            ),
            _ => {}
        }
        idempotency
    }
}
