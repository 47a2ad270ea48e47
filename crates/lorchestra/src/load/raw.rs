//! The row pipeline of raw objects: from an item of a file to a row of `raw.raw_objects` (data-plane.md §4).
//!
//! In this order: wrap, external id, defaults, idem key. Pure.

use serde_json::{Map, Value};

use crate::project::LoadDeclaration;

/// The members an item may carry its own id in, first one wins.
const EXTERNAL_IDS: [&str; 6] = ["id", "message_id", "external_id", "uuid", "responseId", "contactid"];

/// The row that `item` becomes.
///
/// # Errors
/// When the item is no map, or has no id where the declaration says.
pub fn row(item: Value, declaration: &LoadDeclaration) -> Result<Value, String> {
    let Value::Object(members) = item else {
        return Err("is not a map".into());
    };
    let id = id_text(members.get(&declaration.id_field))
        .ok_or_else(|| format!("has no text or number in '{}', the id_field", declaration.id_field))?;
    let external_id = EXTERNAL_IDS.iter().find_map(|name| id_text(members.get(*name)));
    let mut row = if declaration.payload_wrap {
        Map::from_iter([("payload".to_owned(), Value::Object(members))])
    } else {
        members
    };
    if let Some(external_id) = external_id {
        row.entry("external_id").or_insert(Value::String(external_id));
    }
    let LoadDeclaration { source_system, connection_name, object_type, .. } = declaration;
    for (name, value) in
        [("source_system", source_system), ("connection_name", connection_name), ("object_type", object_type)]
    {
        row.entry(name).or_insert_with(|| Value::String(value.clone()));
    }
    row.insert(
        "idem_key".into(),
        Value::String(format!("{source_system}:{connection_name}:{object_type}:{id}")),
    );
    Ok(Value::Object(row))
}

fn id_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn declaration(payload_wrap: bool) -> LoadDeclaration {
        LoadDeclaration {
            file: "x.ndjson".into(),
            table: "raw.raw_objects".into(),
            source_system: "github".into(),
            connection_name: "examples".into(),
            object_type: "webhook".into(),
            id_field: "id".into(),
            payload_wrap,
        }
    }

    #[test]
    fn a_wrapped_item_keeps_all_of_itself_in_payload() {
        let row = row(json!({"id": "a-1", "event": "push"}), &declaration(true)).unwrap();
        assert_eq!(
            row,
            json!({"idem_key": "github:examples:webhook:a-1", "external_id": "a-1", "source_system": "github",
                "connection_name": "examples", "object_type": "webhook", "payload": {"id": "a-1", "event": "push"}})
        );
    }

    #[test]
    fn an_item_without_its_id_is_refused_by_name() {
        assert_eq!(
            row(json!({"id": null}), &declaration(true)).unwrap_err(),
            "has no text or number in 'id', the id_field"
        );
        assert_eq!(row(json!([1]), &declaration(true)).unwrap_err(), "is not a map");
    }
}
