//! The texts that diagnostics speak about. Reading files is not done here.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A text and the name it is known by, usually a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

impl Source {
    /// `text` under `name`; a byte order mark at its start is dropped.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, text: &str) -> Self {
        Self { name: name.into(), text: text.strip_prefix('\u{feff}').unwrap_or(text).into() }
    }

    /// The name, as it stands in front of line and column.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }
}

/// Sources by name, for rendering.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<Arc<str>, Arc<str>>);

impl Sources {
    /// Adds a source; one of the same name is replaced.
    pub fn add(&mut self, source: &Source) {
        self.0.insert(Arc::clone(&source.name), Arc::clone(&source.text));
    }

    /// The text known by `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }
}

impl From<&Source> for Sources {
    fn from(source: &Source) -> Self {
        let mut sources = Self::default();
        sources.add(source);
        sources
    }
}
