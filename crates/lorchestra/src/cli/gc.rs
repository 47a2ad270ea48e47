//! `gc`: deletes artifacts that nothing names.

use io_sqlite::artifacts::GcOptions;
use serde_json::json;

use super::args::{GcArgs, Global, Output};
use super::fail::Failure;
use super::{out, table};
use crate::exit;
use crate::host::Host;
use crate::project::Project;

pub(super) async fn gc(args: &GcArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    let host = Host::open(&project)?;
    let collected = host
        .artifacts
        .gc(GcOptions { dry_run: args.dry_run, ..GcOptions::default() })
        .await
        .map_err(|error| Failure::new(exit::STORE, error.to_string()))?;
    if global.output == Output::Text {
        let verb = if args.dry_run { "would delete" } else { "deleted" };
        out::line(&format!(
            "{verb} {} artifacts, {} bytes",
            table::count(collected.files),
            table::count(collected.bytes)
        ));
    } else {
        out::json(
            global.output,
            "gc",
            &json!({"files": collected.files, "bytes": collected.bytes, "dry_run": args.dry_run}),
        );
    }
    Ok(exit::OK)
}
