#![doc = include_str!("../README.md")]

pub mod data_plane;
pub mod run_store;
