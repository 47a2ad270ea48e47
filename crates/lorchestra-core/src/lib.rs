#![doc = include_str!("../README.md")]

pub mod artifact;
pub mod catalog;
pub mod clock;
pub mod diagnostic;
pub mod handler;
pub mod instance;
pub mod manifest;
pub mod op;
pub mod run;
pub mod run_store;
