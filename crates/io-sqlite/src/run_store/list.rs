//! Lists runs, page by page, and finds one by a part of its id.

use std::sync::Arc;

use async_trait::async_trait;
use lorchestra_core::run::record::{RunRecord, RunStatus};
use lorchestra_core::run_store::{ListRuns, RunFilter, StoreError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::SqliteRunStore;
use super::fault::Fault;
use super::row;

/// A run and its place in the order: when it was created, then when it was stored.
type Placed = ((i64, i64), RunRecord);

fn page(connection: &Connection, filter: &RunFilter) -> Result<Vec<RunRecord>, Fault> {
    let after = match &filter.after {
        Some(run_id) => Some(place_of(connection, run_id)?),
        None => None,
    };
    // one walk along an index for each status: together they would have to be sorted
    let mut found = Vec::new();
    if filter.statuses.is_empty() {
        found = walk(connection, filter, None, after)?;
    } else {
        for status in RunStatus::ALL {
            if filter.statuses.contains(&status) {
                found.append(&mut walk(connection, filter, Some(status), after)?);
            }
        }
        found.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
        found.truncate(filter.limit);
    }
    Ok(found.into_iter().map(|(_, record)| record).collect())
}

fn place_of(connection: &Connection, run_id: &str) -> Result<(i64, i64), Fault> {
    connection
        .prepare_cached("SELECT created_at, run_no FROM runs WHERE run_id = ?1")?
        .query_row([run_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| StoreError::NotFound(run_id.to_owned()).into())
}

fn walk(
    connection: &Connection,
    filter: &RunFilter,
    status: Option<RunStatus>,
    after: Option<(i64, i64)>,
) -> Result<Vec<Placed>, Fault> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut require = |condition: &'static str, bound: Vec<Value>| {
        conditions.push(condition);
        values.extend(bound);
    };
    if let Some(job_id) = &filter.job_id {
        require("runs.job_id = ?", vec![job_id.clone().into()]);
    }
    if let Some(status) = status {
        require("runs.status = ?", vec![status.as_str().to_owned().into()]);
    }
    if let Some(parent) = &filter.parent_run_id {
        require("runs.parent_run_id = ?", vec![parent.clone().into()]);
    }
    if let Some(since) = filter.since {
        require("runs.created_at >= ?", vec![since.as_micros().into()]);
    }
    if let Some(until) = filter.until {
        require("runs.created_at < ?", vec![until.as_micros().into()]);
    }
    if let Some((created_at, run_no)) = after {
        require("(runs.created_at, runs.run_no) < (?, ?)", vec![created_at.into(), run_no.into()]);
    }
    let sql = format!(
        "SELECT {}, runs.run_no FROM runs JOIN requests USING (run_no) {} {} \
         ORDER BY runs.created_at DESC, runs.run_no DESC",
        row::RECORD_COLUMNS,
        if conditions.is_empty() { "" } else { "WHERE" },
        conditions.join(" AND "),
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found = Vec::new();
    // no LIMIT: rows that cannot be read do not count, so that a short page is always the last one
    while found.len() < filter.limit {
        let Some(next) = rows.next()? else { break };
        let run_id: String = next.get(0)?;
        match row::record(&run_id, next) {
            Ok(record) => found.push(((next.get(2)?, next.get(7)?), record)),
            Err(damage) => tracing::warn!(%damage, "left out of the list"),
        }
    }
    Ok(found)
}

fn find(connection: &Connection, part: &str) -> Result<Option<String>, Fault> {
    let exact = connection.prepare_cached("SELECT 1 FROM runs WHERE run_id = ?1")?.exists([part])?;
    if exact {
        return Ok(Some(part.to_owned()));
    }
    let mut select = connection.prepare_cached(
        "SELECT run_id FROM runs \
         WHERE substr(run_id, 1, length(?1)) = ?1 OR substr(run_id, -length(?1)) = ?1 LIMIT 2",
    )?;
    let found = select.query_map([part], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(<[String; 1]>::try_from(found).ok().map(|[run_id]| run_id))
}

#[async_trait]
impl ListRuns for SqliteRunStore {
    async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StoreError> {
        let readers = Arc::clone(self.readers());
        let filter = filter.clone();
        super::blocking(move || readers.read(|connection| page(connection, &filter))).await
    }

    async fn find_run(&self, part: &str) -> Result<Option<String>, StoreError> {
        if part.is_empty() {
            return Ok(None);
        }
        let readers = Arc::clone(self.readers());
        let part = part.to_owned();
        super::blocking(move || readers.read(|connection| find(connection, &part))).await
    }
}
