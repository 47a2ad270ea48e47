//! Templates in Jinja's syntax, on minijinja: strict about unknown names, limited in steps and output, without files.

mod environment;
mod mail;
mod render;

pub use render::check_template;
pub(crate) use render::render;
