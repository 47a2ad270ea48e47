#![doc = include_str!("../README.md")]

mod engine;
mod jq;
mod limits;
pub mod readers;
mod template;
mod transform;

pub use engine::LocalComputeEngine;
pub use jq::check_transform;
pub use limits::Limits;
pub use template::check_template;
