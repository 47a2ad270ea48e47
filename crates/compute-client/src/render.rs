//! The request and the reply of `render`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A template and what it may speak of.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderRequest {
    /// The template's text; the caller has read it, by hash.
    pub template: String,
    /// Its name for messages; the extension decides about escaping, and whether it is a mail.
    pub name: String,
    /// The names that the template may use; an object.
    pub context: Value,
}

/// A rendered template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The text, for a mail without its subject line.
    pub rendered: String,
    /// The subject of a mail template that has one; always a single line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}
