//! What is wrong with a text, where, and what to do about it.
//!
//! Every check that reads a job appends to one [`Diagnostics`] and goes on, so that all problems of a file are told at
//! once. Rendering for a terminal with colours is not here; the plain text form is.

mod closest;
mod code;
mod collection;
mod position;
mod render;
mod source;

pub use closest::{closest, did_you_mean};
pub use code::{ALL_CODES, Code, CodeInfo, codes};
pub use collection::{Diagnostic, Diagnostics, Label, Severity};
pub use position::{Pos, Span, Spanned};
pub use render::render;
pub use source::{Source, Sources};

pub(crate) use render::{clipped, quoted};
