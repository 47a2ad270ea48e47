#![doc = include_str!("../README.md")]

pub mod canonical;
mod digest;
pub mod pointer;
mod row_batch;

pub use digest::{Hasher, Sha256, Sha256ParseError};
pub use row_batch::{MAX_BATCH_BYTES, MAX_BATCH_ROWS, RowBatch, RowBatchBuilder, RowError};
