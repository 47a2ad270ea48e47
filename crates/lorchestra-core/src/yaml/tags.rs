//! Scalars and collections with their tags: what does not fit is reported in the words of the text.

use saphyr_parser::{ScalarStyle, Tag};

use super::node::Value;
use super::parse::Builder;
use super::scalar::{self, ScalarError};
use crate::diagnostic::{Span, codes, quoted};

/// What the names of the core schema's tags start with.
const CORE: &str = "tag:yaml.org,2002:";

impl Builder<'_> {
    pub(super) fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Value {
        let tag = tag.map(full_name);
        let value = match tag.as_deref() {
            None if style == ScalarStyle::Plain => scalar::plain(text),
            None | Some("!") => Ok(Value::Str(text.to_owned())),
            Some(tag) => match tag.strip_prefix(CORE).and_then(|name| scalar::tagged(text, name)) {
                Some(value) => value,
                None => {
                    self.unknown_tag(tag, span);
                    return Value::Null;
                }
            },
        };
        value.unwrap_or_else(|error| {
            let shown = quoted(text);
            let diagnostic = match error {
                ScalarError::IntegerTooLarge => self
                    .error(
                        codes::NUMBER_OUT_OF_RANGE,
                        format!("the integer {shown} does not fit 64 bits"),
                        span,
                    )
                    .help("quote it to make it a string"),
                ScalarError::FloatTooLarge => self.error(
                    codes::NUMBER_OUT_OF_RANGE,
                    format!("the number {shown} is larger than the largest float"),
                    span,
                ),
                ScalarError::NotFinite => self
                    .error(
                        codes::NUMBER_OUT_OF_RANGE,
                        format!("{shown} is a float that JSON cannot say"),
                        span,
                    )
                    .help("quote it to make it a string, or use null"),
                ScalarError::NotOfTag => self.error(
                    codes::TAG_NOT_SUPPORTED,
                    format!("{shown} is not what its tag {} says", shown_tag(tag.as_deref().unwrap_or("!"))),
                    span,
                ),
            };
            self.refuse(diagnostic);
            Value::Null
        })
    }

    pub(super) fn collection_tag(&mut self, tag: Option<&Tag>, kind: &str, span: Span) {
        if let Some(tag) = tag.map(full_name)
            && tag != "!"
            && tag.strip_prefix(CORE) != Some(kind)
        {
            self.unknown_tag(&tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &str, span: Span) {
        let diagnostic = self
            .error(codes::TAG_NOT_SUPPORTED, format!("the tag {} does not fit here", shown_tag(tag)), span)
            .help("tags are !!str !!int !!float !!bool !!null for scalars, !!seq and !!map for collections");
        self.refuse(diagnostic);
    }
}

fn full_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

/// `tag` the way people write it.
fn shown_tag(tag: &str) -> String {
    match tag.strip_prefix(CORE) {
        Some(name) => quoted(&format!("!!{name}")),
        None => quoted(tag),
    }
}
