//! A run: its journal, the fold of it, and what comes next.

pub mod journal;
pub mod record;
