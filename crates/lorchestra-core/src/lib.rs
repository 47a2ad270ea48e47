#![doc = include_str!("../README.md")]

pub mod artifact;
pub mod catalog;
pub mod clock;
pub mod compile;
pub mod diagnostic;
pub mod expression;
mod fields;
pub mod handler;
pub mod instance;
pub mod job_def;
pub mod job_registry;
pub mod manifest;
pub mod op;
pub mod params;
pub mod reference;
pub mod run;
pub mod run_store;
pub mod scope;
pub mod template;
pub mod yaml;
