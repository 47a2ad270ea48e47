//! Names of crates as `boundaries.toml` writes them: `rusqlite`, `google-cloud-*`, or `tokio/process`, a feature.
//! It matches names only; it does not know the graph.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// A crate name, exact or a prefix followed by `*`, with an optional `/feature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    stem: String,
    is_prefix: bool,
    feature: Option<String>,
}

impl Pattern {
    /// Reads the text form; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, feature) = match text.split_once('/') {
            Some((name, feature)) => (name, Some(feature.to_owned())),
            None => (text, None),
        };
        let (stem, is_prefix) = match name.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c));
        let empty = (stem.is_empty() && !is_prefix) || feature.as_deref() == Some("");
        if empty || !plain(stem) || !feature.as_deref().is_none_or(plain) {
            return Err(format!(
                "`{text}` is not a crate name, a prefix with `*` at its end, or `crate/feature`"
            ));
        }
        Ok(Self { stem: stem.to_owned(), is_prefix, feature })
    }

    /// Whether the crate called `name` is meant; the feature is the caller's to judge.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&self.stem) } else { name == self.stem }
    }

    /// The feature after the slash.
    pub(crate) fn feature(&self) -> Option<&str> {
        self.feature.as_deref()
    }

    /// A name that the pattern means.
    #[cfg(test)]
    pub(crate) fn example(&self) -> String {
        if self.is_prefix { format!("{}planted", self.stem) } else { self.stem.clone() }
    }

    /// The name when the pattern means exactly one crate and not only a feature of it.
    #[cfg(test)]
    pub(crate) fn exact_crate(&self) -> Option<&str> {
        (!self.is_prefix && self.feature.is_none()).then_some(self.stem.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stem)?;
        if self.is_prefix {
            f.write_str("*")?;
        }
        match &self.feature {
            Some(feature) => write!(f, "/{feature}"),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_exact_names_and_prefixes() {
        let cases = [
            ("rusqlite", "rusqlite", true),
            ("rusqlite", "rusqlite-extra", false),
            ("google-cloud-*", "google-cloud-auth", true),
            ("google-cloud-*", "google", false),
            ("*", "anything", true),
            ("tokio/process", "tokio", true),
        ];
        for (pattern, name, expected) in cases {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(name), expected, "{pattern} against {name}");
            assert_eq!(parsed.to_string(), pattern);
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for wrong in ["", "a*b", "tokio/", "a b", "a/b/c"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
