#![doc = include_str!("../README.md")]

#[cfg(feature = "cli")]
pub mod cli;
pub mod exit;
#[cfg(feature = "sqlite")]
pub mod host;
pub mod load;
pub mod project;
pub mod system;

pub use compute_client;
pub use lorchestra_core as core;
pub use lorchestra_engine as engine;
pub use lorchestra_handlers as handlers;
pub use storacle_client;
