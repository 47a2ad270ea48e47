//! How much a text may hold, and what its aliases may expand to. A small hostile file must not fill the memory.

use super::node::{Node, Value};

/// The limits of one text.
pub mod limits {
    /// Bytes of text.
    pub const TEXT_BYTES: usize = 10_000_000;
    /// Collections inside each other, aliases expanded.
    pub const DEPTH: usize = 128;
    /// Values written in the text, not counting what aliases expand to.
    pub const VALUES: usize = 1_000_000;
    /// Bytes of memory that all aliases together expand to.
    pub const ALIAS_BYTES: usize = 10_000_000;
}

/// What a copy of `node` costs in memory, about.
pub(super) fn weight(node: &Node) -> usize {
    let own = std::mem::size_of::<Node>();
    match &node.value {
        Value::Str(text) => own + text.len(),
        Value::Seq(items) => own + items.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            let keys: usize =
                entries.iter().map(|(key, _)| std::mem::size_of_val(key) + key.name.len()).sum();
            own + keys + entries.iter().map(|(_, value)| weight(value)).sum::<usize>()
        }
        _ => own,
    }
}

/// How many collections stand inside each other in `node`, itself included.
pub(super) fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Seq(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}
