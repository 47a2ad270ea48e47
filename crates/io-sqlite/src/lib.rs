#![doc = include_str!("../README.md")]

pub mod artifacts;
pub mod data_plane;
pub mod run_store;
