//! One file per command.

pub(crate) mod bench;
pub(crate) mod check_boundaries;
pub(crate) mod ci;
pub(crate) mod codegen;
pub(crate) mod demo;
pub(crate) mod deny;
pub(crate) mod test;
pub(crate) mod tidy;

#[cfg(test)]
mod clippy_agreement;
