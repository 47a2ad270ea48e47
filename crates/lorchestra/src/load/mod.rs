//! Brings files into tables: NDJSON, JSON and CSV, streamed. A declared load makes raw objects of the items.
//!
//! The file is read on a thread of its own and handed over batch by batch, so memory does not grow with it.

pub mod raw;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use compute_local::readers::{self, CsvOptions, DEFAULT_MAX_ROW_BYTES, ReadError};
use futures_util::stream;
use lorchestra_json::{RowBatch, RowBatchBuilder};
use serde_json::Value;
use storacle_client::table::{Column, ColumnType, TableSchema};
use storacle_client::{CallMeta, RowStream, StoracleClient, StoracleError, UpsertCounts, UpsertSpec};

use crate::project::LoadDeclaration;

/// So many batches may be read ahead of the write.
const READ_AHEAD: usize = 4;

/// A file to load into a table as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLoad {
    /// The file.
    pub file: PathBuf,
    /// `dataset.table`.
    pub table: String,
    /// The column that identifies a row.
    pub key: String,
    /// Whether the table is made when it does not exist, with types inferred from the file.
    pub create: bool,
}

/// Why a file was not loaded. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be opened, or is of an unknown kind.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The file's text is wrong.
    #[error("{path}: {source}")]
    Text {
        /// The file.
        path: String,
        /// Where and why.
        source: ReadError,
    },
    /// The data plane refused.
    #[error(transparent)]
    DataPlane(#[from] StoracleError),
}

type Batches = Box<dyn Iterator<Item = Result<RowBatch, ReadError>> + Send>;

/// Performs a declared load below `root`.
///
/// # Errors
/// When the file cannot be read or does not fit; nothing was written then.
pub async fn declared(
    plane: &dyn StoracleClient,
    root: &Path,
    declaration: &LoadDeclaration,
) -> Result<UpsertCounts, LoadError> {
    let path = root.join(&declaration.file);
    let shape = declaration.clone();
    let rows = streamed(path.clone(), move |batch, first_row| {
        let mut builder = RowBatchBuilder::default();
        for (position, item) in batch.rows::<Value>().enumerate() {
            let row = item.map_err(|error| error.to_string()).and_then(|item| raw::row(item, &shape));
            builder.push(&row.map_err(|why| format!("item {} {why}", first_row + position as u64 + 1))?);
        }
        Ok(builder.finish())
    })?;
    upsert(plane, &declaration.table, "idem_key", rows).await
}

/// Loads a file into a table.
///
/// # Errors
/// When the file cannot be read or does not fit the table; nothing was written then.
pub async fn file(plane: &dyn StoracleClient, request: &FileLoad) -> Result<UpsertCounts, LoadError> {
    if request.create && plane.describe_table(&request.table).await?.is_none() {
        let schema = infer(request)?;
        plane.create_table(&schema).await?;
    }
    let rows = streamed(request.file.clone(), |batch, _| Ok(batch))?;
    upsert(plane, &request.table, &request.key, rows).await
}

async fn upsert(
    plane: &dyn StoracleClient,
    table: &str,
    key: &str,
    rows: RowStream,
) -> Result<UpsertCounts, LoadError> {
    let spec = UpsertSpec {
        table: table.to_owned(),
        idem_key_field: key.to_owned(),
        skip_update_columns: Vec::new(),
        last_duplicate_wins: false,
    };
    Ok(plane.upsert(&CallMeta::default(), &spec, rows).await?)
}

/// The rows of `path`, each batch made by `shape` from what was read; it also gets how many rows came before.
fn streamed(
    path: PathBuf,
    shape: impl Fn(RowBatch, u64) -> Result<RowBatch, String> + Send + 'static,
) -> Result<RowStream, LoadError> {
    let batches = open(&path)?;
    let (sender, receiver) = tokio::sync::mpsc::channel(READ_AHEAD);
    let name = path.display().to_string();
    std::thread::spawn(move || {
        let mut before = 0;
        for batch in batches {
            let shaped = batch.map_err(|error| error.to_string()).and_then(|batch| {
                let rows = batch.len() as u64;
                let shaped = shape(batch, before)?;
                before += rows;
                Ok(shaped)
            });
            let item = shaped.map_err(|why| StoracleError::Input(format!("{name}: {why}").into()));
            let broken = item.is_err();
            // a reader that is gone wants no more
            if sender.blocking_send(item).is_err() || broken {
                return;
            }
        }
    });
    Ok(Box::pin(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    })))
}

/// A reader of `path` by its ending.
fn open(path: &Path) -> Result<Batches, LoadError> {
    let fail = |why: String| LoadError::File { path: path.display().to_string(), why };
    let text = |source| LoadError::Text { path: path.display().to_string(), source };
    let opened = || File::open(path).map(BufReader::new).map_err(|error| fail(error.to_string()));
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("ndjson" | "jsonl") => Box::new(readers::ndjson(opened()?, DEFAULT_MAX_ROW_BYTES)),
        Some("json") => Box::new(readers::json(opened()?, DEFAULT_MAX_ROW_BYTES)),
        Some("csv") => {
            let options = CsvOptions::default();
            let columns = readers::infer_csv_types(opened()?, &options).map_err(text)?;
            Box::new(readers::csv(opened()?, &options, &columns).map_err(text)?)
        }
        _ => return Err(fail("files that can be loaded end in .ndjson, .jsonl, .json or .csv".into())),
    })
}

/// A table that fits the file: of CSV by all its rows, of JSON by the first batch.
fn infer(request: &FileLoad) -> Result<TableSchema, LoadError> {
    let path = &request.file;
    let text = |source| LoadError::Text { path: path.display().to_string(), source };
    let column = |name: String, column_type| {
        let required = name == request.key;
        Column { name, column_type, required, stamp: None }
    };
    let columns: Vec<Column> = if path.extension().is_some_and(|ending| ending == "csv") {
        let opened = File::open(path).map(BufReader::new);
        let opened = opened
            .map_err(|error| LoadError::File { path: path.display().to_string(), why: error.to_string() })?;
        let inferred = readers::infer_csv_types(opened, &CsvOptions::default()).map_err(text)?;
        inferred.into_iter().map(|inferred| column(inferred.name, csv_type(inferred.kind))).collect()
    } else {
        let first = open(path)?.next().transpose().map_err(text)?.unwrap_or_default();
        let mut columns: Vec<Column> = Vec::new();
        for row in first.rows::<serde_json::Map<String, Value>>() {
            let row = row.map_err(|error| LoadError::File {
                path: path.display().to_string(),
                why: error.to_string(),
            })?;
            for (name, value) in row {
                let Some(column_type) = json_type(&value) else { continue };
                match columns.iter_mut().find(|known| known.name == name) {
                    Some(known) => known.column_type = wider(known.column_type, column_type),
                    None => columns.push(column(name, column_type)),
                }
            }
        }
        columns
    };
    Ok(TableSchema { table: request.table.clone(), columns, primary_key: vec![request.key.clone()] })
}

fn csv_type(found: readers::ColumnType) -> ColumnType {
    match found {
        readers::ColumnType::Int => ColumnType::Int64,
        readers::ColumnType::Float => ColumnType::Float64,
        readers::ColumnType::Bool => ColumnType::Bool,
        readers::ColumnType::Timestamp => ColumnType::Timestamp,
        readers::ColumnType::Date => ColumnType::Date,
        _ => ColumnType::String,
    }
}

fn json_type(value: &Value) -> Option<ColumnType> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => ColumnType::Bool,
        Value::Number(number) if number.is_i64() => ColumnType::Int64,
        Value::Number(_) => ColumnType::Float64,
        Value::String(_) => ColumnType::String,
        Value::Array(_) | Value::Object(_) => ColumnType::Json,
    })
}

fn wider(left: ColumnType, right: ColumnType) -> ColumnType {
    match (left, right) {
        (left, right) if left == right => left,
        (ColumnType::Int64, ColumnType::Float64) | (ColumnType::Float64, ColumnType::Int64) => {
            ColumnType::Float64
        }
        _ => ColumnType::Json,
    }
}
