//! Local compute: jq transforms, Jinja templates and readers of CSV, JSON and NDJSON
