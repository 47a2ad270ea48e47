//! Parses the query DSL out of JSON params. Everything wrong is told at once; identifiers and operators are judged
//! here and nowhere else, so what has the type `QuerySpec` is safe to build.

use std::fmt;

use lorchestra_json::pointer;
use serde_json::Value;

use super::{Aggregate, Comparison, Filter, Incremental, IncrementalMode, OrderItem, QuerySpec, SelectItem};

/// Something wrong in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryProblem {
    /// JSON pointer into the params.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for QueryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

const KEYS: [&str; 8] =
    ["dataset", "table", "columns", "filters", "order_by", "limit", "incremental", "parse_json_columns"];
const INCREMENTAL_KEYS: [&str; 8] = [
    "target_dataset",
    "target_table",
    "source_key",
    "target_key",
    "mode",
    "join_key_suffix",
    "source_ts",
    "target_ts",
];

/// Whether `text` is an identifier: `[A-Za-z_][A-Za-z0-9_]*`.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl QuerySpec {
    /// Parses the params of a query. Pointers in `late` stand for values that are not known yet; they pass.
    ///
    /// # Errors
    /// Everything that is wrong, by JSON pointer.
    pub fn parse(params: &Value, late: &[String]) -> Result<Self, Vec<QueryProblem>> {
        let mut reader = Reader { late, problems: Vec::new() };
        let spec = reader.spec(params);
        match spec {
            Some(spec) if reader.problems.is_empty() => Ok(spec),
            _ => Err(reader.problems),
        }
    }
}

/// Parses filters in both their forms, `{column: value}` and `[{column, op, value}]`, which stand at `at`.
///
/// # Errors
/// Everything that is wrong, by JSON pointer.
pub fn parse_filters(filters: &Value, at: &str, late: &[String]) -> Result<Vec<Filter>, Vec<QueryProblem>> {
    let mut reader = Reader { late, problems: Vec::new() };
    let filters = reader.filters(filters, at);
    if reader.problems.is_empty() { Ok(filters) } else { Err(reader.problems) }
}

struct Reader<'a> {
    late: &'a [String],
    problems: Vec<QueryProblem>,
}

impl Reader<'_> {
    fn problem(&mut self, at: impl Into<String>, message: impl Into<String>, help: Option<String>) {
        self.problems.push(QueryProblem { at: at.into(), message: message.into(), help });
    }

    fn is_late(&self, at: &str) -> bool {
        self.late.iter().any(|late| late == at)
    }

    fn unknown_keys(&mut self, members: &serde_json::Map<String, Value>, at: &str, known: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.problem(
                pointer::join(at, name),
                format!("unknown key '{name}'"),
                Some(format!("allowed: {}", known.join(", "))),
            );
        }
    }

    fn spec(&mut self, params: &Value) -> Option<QuerySpec> {
        let Some(members) = params.as_object() else {
            self.problem("", "a query must be a map", None);
            return None;
        };
        self.unknown_keys(members, "", &KEYS);
        let dataset = self.identifier(members.get("dataset"), "/dataset", "dataset");
        let table = self.identifier(members.get("table"), "/table", "table");
        let columns = self.list(members.get("columns"), "/columns", "columns", Self::select_item);
        let filters =
            members.get("filters").map(|filters| self.filters(filters, "/filters")).unwrap_or_default();
        let order_by = self.order_by(members.get("order_by"));
        let limit = self.limit(members.get("limit"));
        let incremental = members
            .get("incremental")
            .filter(|value| !value.is_null())
            .and_then(|value| self.incremental(value));
        let parse_json_columns = self.list(
            members.get("parse_json_columns"),
            "/parse_json_columns",
            "parse_json_columns",
            |reader, text, at| reader.checked(text, at, "column"),
        );
        let aggregates = columns.iter().filter(|item| matches!(item, SelectItem::Aggregate { .. })).count();
        if aggregates > 0 && aggregates < columns.len() {
            self.problem(
                "/columns",
                "columns and aggregates cannot be mixed: the DSL has no GROUP BY",
                Some("use sql: for anything more".into()),
            );
        }
        if aggregates > 0 {
            for item in &order_by {
                let is_alias = columns.iter().any(
                    |column| matches!(column, SelectItem::Aggregate { alias, .. } if *alias == item.column),
                );
                if !is_alias {
                    self.problem(
                        "/order_by",
                        format!("'{}' is none of the aggregates: there is nothing to order by", item.column),
                        None,
                    );
                }
            }
        }
        Some(QuerySpec {
            dataset: dataset?,
            table: table?,
            columns,
            filters,
            order_by,
            limit,
            incremental,
            parse_json_columns,
        })
    }

    fn identifier(&mut self, value: Option<&Value>, at: &str, what: &str) -> Option<String> {
        match value {
            Some(Value::String(text)) => self.checked(text, at, what),
            Some(_) if self.is_late(at) => Some("late".into()),
            Some(_) => {
                let key = at.rsplit('/').next().unwrap_or(what);
                self.problem(at, format!("'{key}' must be a text: the name of a {what}"), None);
                None
            }
            None => {
                self.problem("", format!("'{what}' is missing"), None);
                None
            }
        }
    }

    fn checked(&mut self, text: &str, at: &str, what: &str) -> Option<String> {
        if is_identifier(text) {
            return Some(text.to_owned());
        }
        self.problem(
            at,
            format!("'{text}' is no name of a {what}: names are letters, digits and _, not first a digit"),
            None,
        );
        None
    }

    fn list<T>(
        &mut self,
        value: Option<&Value>,
        at: &str,
        what: &str,
        item: impl Fn(&mut Self, &str, &str) -> Option<T>,
    ) -> Vec<T> {
        match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .filter_map(|(position, value)| {
                    let at = pointer::join(at, position);
                    match value.as_str() {
                        Some(text) => item(self, text, &at),
                        None if self.is_late(&at) => None,
                        None => {
                            self.problem(at, format!("each of '{what}' must be a text"), None);
                            None
                        }
                    }
                })
                .collect(),
            Some(_) => {
                self.problem(at, format!("'{what}' must be a list of texts"), None);
                Vec::new()
            }
        }
    }

    /// `name`, `*`, or `COUNT(*) AS n`.
    fn select_item(&mut self, text: &str, at: &str) -> Option<SelectItem> {
        let text = text.trim();
        if text == "*" {
            self.problem(at, "'*' is what is selected when 'columns' is left out", None);
            return None;
        }
        if !text.contains('(') {
            return self.checked(text, at, "column").map(SelectItem::Column);
        }
        let parsed = parse_aggregate(text);
        if parsed.is_none() {
            self.problem(
                at,
                format!("'{text}' is no column and no aggregate"),
                Some("aggregates are MIN MAX COUNT SUM AVG, as in COUNT(*) AS n or SUM(amount) AS total; use sql: for anything more".into()),
            );
        }
        parsed
    }

    fn order_by(&mut self, value: Option<&Value>) -> Vec<OrderItem> {
        let text = match value {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::String(text)) => text,
            Some(_) => {
                self.problem("/order_by", "'order_by' must be a text: column [ASC|DESC], …", None);
                return Vec::new();
            }
        };
        text.split(',')
            .filter_map(|item| {
                let mut words = item.split_whitespace();
                let column = words.next().unwrap_or_default();
                let descending = match words.next().map(str::to_ascii_uppercase).as_deref() {
                    None | Some("ASC") => false,
                    Some("DESC") => true,
                    Some(_) => {
                        self.problem(
                            "/order_by",
                            format!("'{}' is not column [ASC|DESC]", item.trim()),
                            None,
                        );
                        return None;
                    }
                };
                if words.next().is_some() {
                    self.problem("/order_by", format!("'{}' is not column [ASC|DESC]", item.trim()), None);
                    return None;
                }
                self.checked(column, "/order_by", "column").map(|column| OrderItem { column, descending })
            })
            .collect()
    }

    fn limit(&mut self, value: Option<&Value>) -> Option<u64> {
        match value {
            None | Some(Value::Null) => None,
            Some(value) => {
                let limit = value.as_u64().filter(|limit| *limit >= 1 && i64::try_from(*limit).is_ok());
                if limit.is_none() && !self.is_late("/limit") {
                    self.problem(
                        "/limit",
                        format!("'limit' must be an integer >= 1, got {value}"),
                        Some("leave it out for no limit".into()),
                    );
                }
                limit
            }
        }
    }

    fn filters(&mut self, filters: &Value, at: &str) -> Vec<Filter> {
        match filters {
            Value::Null => Vec::new(),
            Value::Object(members) => members
                .iter()
                .filter_map(|(column, value)| {
                    let at = pointer::join(at, column);
                    let column = self.checked(column, &at, "column")?;
                    self.filter(column, Comparison::Equal, value, &at)
                })
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .filter_map(|(position, item)| self.filter_item(item, &pointer::join(at, position)))
                .collect(),
            _ => {
                self.problem(at, "'filters' must be {column: value} or a list of {column, op, value}", None);
                Vec::new()
            }
        }
    }

    fn filter_item(&mut self, item: &Value, at: &str) -> Option<Filter> {
        let Some(members) = item.as_object() else {
            if self.is_late(at) {
                return None;
            }
            self.problem(at, "a filter must be a map {column, op, value}", None);
            return None;
        };
        self.unknown_keys(members, at, &["column", "op", "value"]);
        let column = self.identifier(members.get("column"), &pointer::join(at, "column"), "column");
        let op = match members.get("op").map(|op| op.as_str()) {
            None => Some(Comparison::Equal),
            Some(None) if self.is_late(&pointer::join(at, "op")) => Some(Comparison::Equal),
            Some(text) => {
                let text = text.unwrap_or_default();
                let found = Comparison::ALL.iter().find(|(name, _)| *name == text).map(|(_, op)| *op);
                if found.is_none() {
                    let allowed: Vec<&str> = Comparison::ALL.iter().map(|(name, _)| *name).collect();
                    self.problem(
                        pointer::join(at, "op"),
                        format!("Invalid operator '{text}'. Allowed: {}", allowed.join(", ")),
                        Some("use sql: for anything more".into()),
                    );
                }
                found
            }
        };
        let Some(value) = members.get("value") else {
            self.problem(at, "'value' is missing", None);
            return None;
        };
        self.filter(column?, op?, value, &pointer::join(at, "value"))
    }

    fn filter(&mut self, column: String, op: Comparison, value: &Value, at: &str) -> Option<Filter> {
        if value.is_array() || value.is_object() {
            self.problem(
                at,
                format!("the value of filter '{column}' must be a single value, got {value}"),
                None,
            );
            return None;
        }
        if value.is_null() && !matches!(op, Comparison::Equal | Comparison::NotEqual) && !self.is_late(at) {
            self.problem(at, format!("null can be compared with = and != only, got {}", op.as_str()), None);
            return None;
        }
        Some(Filter { column, op, value: value.clone() })
    }

    fn incremental(&mut self, value: &Value) -> Option<Incremental> {
        let at = "/incremental";
        let Some(members) = value.as_object() else {
            self.problem(at, "'incremental' must be a map", None);
            return None;
        };
        self.unknown_keys(members, at, &INCREMENTAL_KEYS);
        let mut name = |key: &str, what: &str| {
            let found = members.get(key);
            if found.is_none() {
                self.problem(at, format!("'{key}' is missing"), None);
                return None;
            }
            self.identifier(found, &pointer::join(at, key), what)
        };
        let target_dataset = name("target_dataset", "dataset");
        let target_table = name("target_table", "table");
        let source_key = name("source_key", "column");
        let target_key = name("target_key", "column");
        let mode = match members.get("mode").and_then(Value::as_str) {
            Some("not_exists") => Some(IncrementalMode::NotExists),
            Some("left_anti") => Some(IncrementalMode::LeftAnti),
            None if self.is_late(&pointer::join(at, "mode")) => return None,
            _ => {
                self.problem(pointer::join(at, "mode"), "'mode' must be not_exists or left_anti", None);
                None
            }
        };
        let mut column = |key: &str| match members.get(key) {
            None | Some(Value::Null) => None,
            found => self.identifier(found, &pointer::join(at, key), "column"),
        };
        let source_ts = column("source_ts");
        let target_ts = column("target_ts");
        let both = source_ts.is_some() && target_ts.is_some();
        if mode == Some(IncrementalMode::LeftAnti) && !both {
            self.problem(
                at,
                "left_anti needs 'source_ts' and 'target_ts': it selects rows that changed since",
                None,
            );
        }
        if mode == Some(IncrementalMode::NotExists) && (source_ts.is_some() || target_ts.is_some()) {
            self.problem(
                at,
                "not_exists takes no 'source_ts' and 'target_ts': it never looks at times",
                None,
            );
        }
        let join_key_suffix = match members.get("join_key_suffix") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.problem(pointer::join(at, "join_key_suffix"), "'join_key_suffix' must be a text", None);
                None
            }
        };
        Some(Incremental {
            target_dataset: target_dataset?,
            target_table: target_table?,
            source_key: source_key?,
            target_key: target_key?,
            mode: mode?,
            join_key_suffix,
            source_ts,
            target_ts,
        })
    }
}

/// `FUNCTION(column | *) AS alias`.
fn parse_aggregate(text: &str) -> Option<SelectItem> {
    let (function, rest) = text.split_once('(')?;
    let function = match function.trim().to_ascii_uppercase().as_str() {
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        "COUNT" => Aggregate::Count,
        "SUM" => Aggregate::Sum,
        "AVG" => Aggregate::Avg,
        _ => return None,
    };
    let (argument, rest) = rest.split_once(')')?;
    let column = match argument.trim() {
        "*" if function == Aggregate::Count => None,
        name if is_identifier(name) => Some(name.to_owned()),
        _ => return None,
    };
    let mut words = rest.split_whitespace();
    let (keyword, alias) = (words.next()?, words.next()?);
    let complete = keyword.eq_ignore_ascii_case("as") && is_identifier(alias) && words.next().is_none();
    complete.then(|| SelectItem::Aggregate { function, column, alias: alias.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problems(params: &Value) -> Vec<String> {
        QuerySpec::parse(params, &[])
            .unwrap_err()
            .iter()
            .map(|problem| format!("{}: {problem}", problem.at))
            .collect()
    }

    #[test]
    fn every_problem_of_a_query_is_told_with_its_place() {
        let params = json!({
            "dataset": "raw; DROP", "table": "t", "columns": ["a", "LOWER(x)", 3], "limit": 0,
            "filters": [{"column": "a", "op": "LIKE", "value": "x"}, {"column": "b\"", "value": [1]}],
            "order_by": "a DESCENDING", "incremental": {"mode": "all"}, "colums": [],
        });
        insta::assert_snapshot!(problems(&params).join("\n"));
    }

    #[test]
    fn both_forms_of_filters_mean_the_same() {
        let short = parse_filters(&json!({"a": 1, "b": null}), "", &[]).unwrap();
        let long = parse_filters(
            &json!([{"column": "a", "op": "=", "value": 1}, {"column": "b", "value": null}]),
            "",
            &[],
        );
        assert_eq!(short, long.unwrap());
    }

    #[test]
    fn what_is_bound_late_passes() {
        let params = json!({"dataset": "raw", "table": "t", "limit": null, "filters": [{"column": "a", "op": "<", "value": null}]});
        let late = ["/limit".to_owned(), "/filters/0/value".to_owned()];
        assert!(QuerySpec::parse(&params, &late).is_ok());
        assert!(QuerySpec::parse(&params, &[]).is_err());
        for (params, at) in [
            (json!({"dataset": "raw", "table": "t", "filters": null}), "/filters"),
            (json!({"dataset": "raw", "table": "t", "filters": [null]}), "/filters/0"),
            (json!({"dataset": "raw", "table": "t", "filters": {"a": null}}), "/filters/a"),
            (
                json!({"dataset": "raw", "table": "t", "filters": [{"column": "a", "op": null, "value": 1}]}),
                "/filters/0/op",
            ),
            (json!({"dataset": "raw", "table": "t", "columns": [null]}), "/columns/0"),
            (json!({"dataset": "raw", "table": null}), "/table"),
        ] {
            let late = [at.to_owned()];
            assert!(QuerySpec::parse(&params, &late).is_ok(), "{at}");
        }
    }

    #[test]
    fn aggregates_are_ordered_by_their_names_only() {
        let query = |order: &str| json!({"dataset": "raw", "table": "t", "columns": ["COUNT(*) AS n"], "order_by": order});
        assert!(QuerySpec::parse(&query("n DESC"), &[]).is_ok());
        assert_eq!(
            problems(&query("a")),
            ["/order_by: 'a' is none of the aggregates: there is nothing to order by"]
        );
    }

    #[test]
    fn left_anti_needs_both_times_and_not_exists_takes_none() {
        let query = |incremental: Value| json!({"dataset": "raw", "table": "t", "incremental": incremental});
        let base = json!({"target_dataset": "c", "target_table": "o", "source_key": "k", "target_key": "k"});
        let with = |mode: &str, source_ts: Option<&str>| {
            let mut members = base.clone();
            members["mode"] = json!(mode);
            members["source_ts"] = json!(source_ts);
            members["target_ts"] = json!(source_ts);
            query(members)
        };
        assert!(QuerySpec::parse(&with("left_anti", Some("seen")), &[]).is_ok());
        assert!(QuerySpec::parse(&with("not_exists", None), &[]).is_ok());
        assert!(problems(&with("left_anti", None))[0].contains("needs 'source_ts'"));
        assert!(problems(&with("not_exists", Some("seen")))[0].contains("takes no 'source_ts'"));
    }
}
