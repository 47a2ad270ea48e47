//! Looking references up: what a resolver must offer, what it may find, and what can go wrong.
//!
//! The compiler and the run machine each bring a [`Scope`] of their own; the rules of walking a path are here, once.
//! Reading artifacts is not: a value inside one is asked for by [`ResolveError::NeedsRead`].

use std::borrow::Cow;

use serde_json::Value;

use crate::artifact::{ArtifactAt, Handle, StepOutput};
use crate::reference::{Reference, Segment};
use crate::run::record::StepStatus;

/// Messages list at most this many of the keys that exist.
const KEYS_SHOWN: usize = 20;

/// What a reference led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'a> {
    /// A value.
    Value(Cow<'a, Value>),
    /// Exactly this stored artifact.
    Artifact(&'a Handle),
    /// A value that has artifacts in it, by pointer.
    Mixed(StepOutput),
    /// Something in this stored artifact, below `path`.
    Inside {
        /// The artifact.
        handle: &'a Handle,
        /// The way from its root.
        path: Vec<Segment>,
    },
    /// Nothing.
    Missing {
        /// The keys that exist where the path ends; of a list: its positions, as one text.
        keys: Vec<String>,
        /// How far the path leads, as a reference.
        at: String,
    },
}

/// Where values come from.
pub trait Scope {
    /// What `reference` leads to.
    fn lookup(&self, reference: &Reference) -> Found<'_>;

    /// Where the step stands; `None` when there is no such step, or its status is not known yet.
    fn step_status(&self, step_id: &str) -> Option<StepStatus>;
}

/// What a template came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// A value.
    Value(Value),
    /// A stored artifact.
    Artifact(Handle),
    /// A value that has artifacts in it, by pointer.
    Mixed(StepOutput),
}

/// Why a template or an expression has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The path leads nowhere.
    #[error("{reference} does not exist: {at} has {}", listed(keys))]
    Missing {
        /// The reference.
        reference: String,
        /// How far it leads.
        at: String,
        /// The keys that exist there.
        keys: Vec<String>,
    },
    /// The value must be read from a stored artifact first; then the question is asked again.
    #[error("the value lies in artifact sha256:{}, which was not read", handle.sha256)]
    NeedsRead {
        /// The artifact.
        handle: Handle,
        /// The way to the value from the artifact's root.
        path: Vec<Segment>,
    },
    /// The step's status cannot be told.
    #[error("steps.{0}.status is not known here")]
    UnknownStep(String),
    /// The values do not fit what is done with them.
    #[error("{0}")]
    Type(String),
}

fn listed(keys: &[String]) -> String {
    match keys {
        [] => "nothing below it".to_owned(),
        keys if keys.len() > KEYS_SHOWN => {
            format!("{} and {} more", keys[..KEYS_SHOWN].join(", "), keys.len() - KEYS_SHOWN)
        }
        keys => keys.join(", "),
    }
}

/// Where a walk stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// How many segments led somewhere.
    pub depth: usize,
    /// The keys that exist there.
    pub keys: Vec<String>,
}

/// The value at the end of `path`, beginning at `value`.
///
/// # Errors
/// When a segment leads nowhere: how far the path led, and the keys that exist there.
pub fn walk<'a>(value: &'a Value, path: &[Segment]) -> Result<&'a Value, Stopped> {
    let mut current = value;
    for (depth, segment) in path.iter().enumerate() {
        let next = match (segment, current) {
            (Segment::Key(key), Value::Object(members)) => members.get(key),
            (Segment::Index(position), Value::Array(items)) => {
                list_position(*position, items.len()).and_then(|position| items.get(position))
            }
            _ => None,
        };
        current = next.ok_or_else(|| Stopped { depth, keys: keys_of(current) })?;
    }
    Ok(current)
}

/// The member of a list of `length` that `position` means; a negative one counts from the end.
#[must_use]
pub fn list_position(position: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let from_start = if position < 0 { length.checked_add(position)? } else { position };
    usize::try_from(from_start).ok().filter(|_| from_start < length)
}

fn keys_of(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members.keys().cloned().collect(),
        Value::Array(items) if items.is_empty() => vec!["no items".into()],
        Value::Array(items) => vec![format!("positions 0 to {}", items.len() - 1)],
        _ => Vec::new(),
    }
}

/// What `reference` leads to, when its path goes from `value` on.
#[must_use]
pub fn find_in_value<'a>(value: &'a Value, reference: &Reference) -> Found<'a> {
    match walk(value, &reference.path) {
        Ok(found) => Found::Value(Cow::Borrowed(found)),
        Err(stopped) => Found::Missing { keys: stopped.keys, at: reference.prefix(stopped.depth) },
    }
}

/// What `reference` leads to, when its path from segment `skip` on goes into `output`.
#[must_use]
pub fn find_in_output<'a>(output: &'a StepOutput, reference: &Reference, skip: usize) -> Found<'a> {
    let path = reference.path.get(skip..).unwrap_or(&[]);
    let pointers = pointers(&output.value, path);
    for (depth, pointer) in pointers.iter().enumerate() {
        if let Some(handle) = output.artifact(pointer) {
            return match path.get(depth..) {
                None | Some([]) => Found::Artifact(handle),
                Some(below) => Found::Inside { handle, path: below.to_vec() },
            };
        }
    }
    match walk(&output.value, path) {
        Err(stopped) => Found::Missing { keys: stopped.keys, at: reference.prefix(skip + stopped.depth) },
        Ok(value) => {
            let root = pointers.last().map_or("", String::as_str);
            let artifacts: Vec<ArtifactAt> = output
                .artifacts
                .iter()
                .filter_map(|artifact| {
                    let below = artifact.at.strip_prefix(root)?;
                    below
                        .starts_with('/')
                        .then(|| ArtifactAt { at: below.to_owned(), handle: artifact.handle.clone() })
                })
                .collect();
            if artifacts.is_empty() {
                Found::Value(Cow::Borrowed(value))
            } else {
                Found::Mixed(StepOutput { value: value.clone(), artifacts })
            }
        }
    }
}

/// The pointers of `value` and of each value on the way along `path`, as far as it leads.
fn pointers(value: &Value, path: &[Segment]) -> Vec<String> {
    let mut pointers = vec![String::new()];
    let mut pointer = String::new();
    for (depth, segment) in path.iter().enumerate() {
        let Ok(parent) = walk(value, &path[..depth]) else { break };
        let token = match (segment, parent) {
            (Segment::Key(key), _) => key.clone(),
            (Segment::Index(position), Value::Array(items)) => match list_position(*position, items.len()) {
                Some(position) => position.to_string(),
                None => break,
            },
            (Segment::Index(_), _) => break,
        };
        pointer = lorchestra_json::pointer::join(&pointer, token);
        pointers.push(pointer.clone());
    }
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::ArtifactKind;
    use lorchestra_json::Sha256;
    use serde_json::json;

    fn handle() -> Handle {
        Handle { sha256: Sha256::of(b""), kind: ArtifactKind::Rows, bytes: 9, count: Some(3), fields: None }
    }

    fn output() -> StepOutput {
        StepOutput {
            value: json!({"items": null, "count": 3, "parts": [{"a/b": null}, 1]}),
            artifacts: vec![
                ArtifactAt { at: "/items".into(), handle: handle() },
                ArtifactAt { at: "/parts/0/a~1b".into(), handle: handle() },
            ],
        }
    }

    fn find(text: &str) -> String {
        let output = output();
        let reference = Reference::parse(text).unwrap();
        match find_in_output(&output, &reference, 1) {
            Found::Value(value) => format!("value {value}"),
            Found::Artifact(_) => "artifact".into(),
            Found::Mixed(mixed) => {
                let pointers: Vec<String> = mixed.artifacts.into_iter().map(|artifact| artifact.at).collect();
                format!("mixed {} {}", mixed.value, pointers.join(" "))
            }
            Found::Inside { path, .. } => {
                format!("inside {}", path.iter().map(ToString::to_string).collect::<String>())
            }
            Found::Missing { keys, at } => format!("missing at {at}: {}", keys.join(", ")),
        }
    }

    #[test]
    fn paths_into_outputs_lead_to_values_to_artifacts_or_into_them() {
        for (reference, expected) in [
            ("@run.read.count", "value 3"),
            ("@run.read.items", "artifact"),
            ("@run.read.items[0].name", "inside [0].name"),
            ("@run.read.parts[-1]", "value 1"),
            ("@run.read.parts[-2]", "mixed {\"a/b\":null} /a~1b"),
            ("@run.read.parts[-2][\"a/b\"]", "artifact"),
            (
                "@run.read",
                "mixed {\"count\":3,\"items\":null,\"parts\":[{\"a/b\":null},1]} /items /parts/0/a~1b",
            ),
            ("@run.read.parts[2]", "missing at @run.read.parts: positions 0 to 1"),
            ("@run.read.parts[-3]", "missing at @run.read.parts: positions 0 to 1"),
            ("@run.read.itmes", "missing at @run.read: count, items, parts"),
            ("@run.read.count.x", "missing at @run.read.count: "),
            ("@run.read.count[0]", "missing at @run.read.count: "),
        ] {
            assert_eq!(find(reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_missing_path_says_how_far_it_led_and_what_exists() {
        let missing = |keys: &[&str]| ResolveError::Missing {
            reference: "@payload.a.b".into(),
            at: "@payload.a".into(),
            keys: keys.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(missing(&["c", "d"]).to_string(), "@payload.a.b does not exist: @payload.a has c, d");
        assert_eq!(missing(&[]).to_string(), "@payload.a.b does not exist: @payload.a has nothing below it");
    }
}
