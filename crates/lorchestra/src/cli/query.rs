//! `query`: rows of the data plane, one JSON object a line, as they come.

use futures_util::TryStreamExt;
use lorchestra_core::diagnostic::{Diagnostics, Source, Sources};
use lorchestra_core::yaml;
use serde_json::Value;
use storacle_client::query::QuerySpec;
use storacle_client::{CallMeta, SqlQuery, StoracleClient};

use super::args::{Global, Output, QueryArgs};
use super::fail::Failure;
use super::{out, table};
use crate::exit;
use crate::host::Host;
use crate::project::Project;

pub(super) async fn query(args: QueryArgs, global: &Global) -> Result<u8, Failure> {
    let project = Project::find(&std::env::current_dir()?, global.profile.as_deref())?;
    let spec = args.spec.as_deref().map(parse_spec).transpose()?;
    let host = Host::open(&project)?;
    let meta = CallMeta::default();
    let mut rows = match (spec, args.sql) {
        (Some(spec), _) => host.data_plane.query(&meta, &spec).await?,
        (None, Some(sql)) => {
            let params = args.params.iter().map(|pair| key_value(pair)).collect::<Result<_, _>>()?;
            host.data_plane.query_sql(&meta, &SqlQuery { sql, params }).await?
        }
        (None, None) => return Err(Failure::usage("say a query, or --sql")),
    };
    let mut count = 0;
    let mut all: Vec<Value> = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        count += batch.len() as u64;
        if global.output == Output::Json {
            all.extend(batch.rows().filter_map(Result::ok));
        } else {
            out::bytes(batch.ndjson());
        }
    }
    if global.output == Output::Json {
        out::json(global.output, "rows", &Value::Array(all));
    } else if !global.quiet {
        out::talk(&format!("{} rows", table::count(count)));
    }
    Ok(exit::OK)
}

fn parse_spec(text: &str) -> Result<QuerySpec, Failure> {
    let source = Source::new("query", text);
    let mut diagnostics = Diagnostics::default();
    let node =
        yaml::parse(&source, &mut diagnostics).filter(|_| !diagnostics.has_errors()).ok_or_else(|| {
            Failure { code: exit::USAGE, ..Failure::diagnostics(&diagnostics, &Sources::from(&source)) }
        })?;
    QuerySpec::parse(&node.to_json(), &[]).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::usage(format!("the query is not valid:\n  {}", lines.join("\n  ")))
    })
}

/// `key=value`: the value as JSON where it is JSON, else as text.
pub(super) fn key_value(pair: &str) -> Result<(String, Value), Failure> {
    let (key, value) = pair
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| Failure::usage(format!("'{pair}' is not KEY=VALUE")))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}
