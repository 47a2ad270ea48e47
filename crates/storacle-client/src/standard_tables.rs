//! The standard tables as declarations (data-plane.md §5). No DDL: each backend renders its own.

use crate::table::{Column, ColumnType, Stamp, TableSchema};

/// The name of the table of raw objects.
pub const RAW_OBJECTS: &str = "raw.raw_objects";
/// The name of the table of canonical objects.
pub const CANONICAL_OBJECTS: &str = "canonical.canonical_objects";
/// The name of the table of events of runs and steps.
pub const EVENT_LOG: &str = "raw.event_log";

/// Every standard table.
#[must_use]
pub fn all() -> Vec<TableSchema> {
    vec![raw_objects(), canonical_objects(), event_log()]
}

/// Objects as they came from their source. `first_seen` and `last_seen` are the data plane's own: when the object was
/// first written, and when it last changed.
#[must_use]
pub fn raw_objects() -> TableSchema {
    table(
        RAW_OBJECTS,
        "idem_key",
        vec![
            required("idem_key"),
            text("source_system"),
            text("connection_name"),
            text("object_type"),
            text("schema_ref"),
            text("external_id"),
            column("payload", ColumnType::Json),
            stamped("first_seen", Stamp::Insert),
            stamped("last_seen", Stamp::Change),
            text("correlation_id"),
        ],
    )
}

/// Objects in the project's own form. `canonicalized_at` is the clock of the run that judged the object last, so that
/// an incremental query sees what changed at the source since.
#[must_use]
pub fn canonical_objects() -> TableSchema {
    table(
        CANONICAL_OBJECTS,
        "idem_key",
        vec![
            required("idem_key"),
            text("source_system"),
            text("connection_name"),
            text("object_type"),
            text("canonical_schema"),
            text("canonical_format"),
            text("transform_ref"),
            text("correlation_id"),
            column("payload", ColumnType::Json),
            stamped("canonicalized_at", Stamp::Always),
            stamped("created_at", Stamp::Insert),
        ],
    )
}

/// What runs and steps of jobs that ask for it did.
#[must_use]
pub fn event_log() -> TableSchema {
    table(
        EVENT_LOG,
        "event_id",
        vec![
            required("event_id"),
            text("event_type"),
            text("source_system"),
            text("connection_name"),
            text("target_object_type"),
            text("event_schema_ref"),
            text("correlation_id"),
            text("trace_id"),
            stamped("created_at", Stamp::Insert),
            text("status"),
            text("error_message"),
            column("payload", ColumnType::Json),
        ],
    )
}

fn table(name: &str, key: &str, columns: Vec<Column>) -> TableSchema {
    TableSchema { table: name.to_owned(), columns, primary_key: vec![key.to_owned()] }
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column { name: name.to_owned(), column_type, required: false, stamp: None }
}

fn text(name: &str) -> Column {
    column(name, ColumnType::String)
}

fn required(name: &str) -> Column {
    Column { required: true, ..text(name) }
}

fn stamped(name: &str, stamp: Stamp) -> Column {
    Column { stamp: Some(stamp), ..column(name, ColumnType::Timestamp) }
}
