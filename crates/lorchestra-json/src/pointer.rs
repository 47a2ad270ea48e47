//! JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)): where in a value something stands.
//!
//! Reading by pointer is `serde_json::Value::pointer`; here is what it lacks: building one, and taking a value out.

use serde_json::Value;

/// `pointer` with one more member name or position.
///
/// ```
/// assert_eq!(lorchestra_json::pointer::join("/params", "a/b"), "/params/a~1b");
/// ```
#[must_use]
pub fn join(pointer: &str, token: impl std::fmt::Display) -> String {
    let token = token.to_string();
    let escaped =
        if token.contains(['~', '/']) { token.replace('~', "~0").replace('/', "~1") } else { token };
    format!("{pointer}/{escaped}")
}

/// Replaces what stands at `pointer` by null and returns it; `None` when nothing stands there.
pub fn take(value: &mut Value, pointer: &str) -> Option<Value> {
    value.pointer_mut(pointer).map(Value::take)
}

/// Puts `new` where `pointer` points; `false` when nothing stands there to be replaced.
pub fn put(value: &mut Value, pointer: &str, new: Value) -> bool {
    match value.pointer_mut(pointer) {
        Some(place) => {
            *place = new;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn take_leaves_null_and_put_fills_it_again() {
        let mut value = json!({"a/b": [1, {"~": 2}]});
        let at = join(&join(&join("", "a/b"), 1), "~");
        assert_eq!(take(&mut value, &at), Some(json!(2)));
        assert_eq!(value, json!({"a/b": [1, {"~": null}]}));
        assert!(put(&mut value, &at, json!(3)));
        assert_eq!(value, json!({"a/b": [1, {"~": 3}]}));
        assert!(!put(&mut value, "/missing", json!(4)));
    }
}
