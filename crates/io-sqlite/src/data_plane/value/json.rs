//! JSON text as it is stored: compact, every value checked, nothing kept in memory but the text itself.
//!
//! It rewrites while it parses: white space goes, escapes become the shortest, numbers beyond 64 bits become doubles.
//! The order of members stays. What was stored this way every JSON reader takes (depth, surrogates and ranges are
//! checked), and text can be put into a row as it is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Appends the value in `text` to `out`.
pub(in crate::data_plane) fn rewrite(text: &[u8], out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Rewrite(out).deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Appends the value it is given to the text.
pub(super) struct Rewrite<'o>(pub(super) &'o mut Vec<u8>);

impl Rewrite<'_> {
    fn scalar<T: serde::Serialize, E: Error>(self, value: T) -> Result<(), E> {
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Rewrite<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rewrite<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'[');
        let start = out.len();
        loop {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            if items.next_element_seed(Rewrite(out))?.is_none() {
                out.truncate(before);
                break;
            }
        }
        out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'{');
        let start = out.len();
        loop {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            if members.next_key_seed(Rewrite(out))?.is_none() {
                out.truncate(before);
                break;
            }
            out.push(b':');
            members.next_value_seed(Rewrite(out))?;
        }
        out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Result<String, serde_json::Error> {
        let mut out = Vec::new();
        rewrite(text.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn white_space_and_long_escapes_go_and_order_stays() {
        for (text, stored) in [
            (" { \"b\" : [ 1 , 2.50 , [ ] , { } ] ,\n \"a\" : null } ", r#"{"b":[1,2.5,[],{}],"a":null}"#),
            (r#""\u00e9\/\u0041\n""#, "\"é/A\\n\""),
            ("[true,false,-0.0,1e2,1.0]", "[true,false,-0.0,100.0,1.0]"),
            ("[9223372036854775807,18446744073709551615]", "[9223372036854775807,18446744073709551615]"),
            (r#"{"":{"":[[]]}}"#, r#"{"":{"":[[]]}}"#),
        ] {
            assert_eq!(rewritten(text).unwrap(), stored, "{text}");
        }
    }

    #[test]
    fn what_a_reader_of_json_would_refuse_is_refused() {
        for text in ["", "{", "1 2", "1e999", r#""\ud800""#, "nul", &"[".repeat(200)] {
            assert!(rewritten(text).is_err(), "{text}");
        }
    }
}
