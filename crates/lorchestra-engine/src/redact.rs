//! Keeps secrets out of what is kept: the values a try asked for are replaced by their names in its output, its
//! artifacts and its errors.
//!
//! Values shorter than four bytes are not looked for: they would eat ordinary text.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lorchestra_core::artifact::{ArtifactError, ArtifactStore, ByteStream, Stored};
use lorchestra_core::handler::{SecretError, SecretSource, StepError};
use lorchestra_json::Sha256;
use serde_json::Value;

const SHORTEST: usize = 4;

/// The secrets one try has asked for.
#[derive(Clone)]
pub(crate) struct TrySecrets {
    source: Arc<dyn SecretSource>,
    /// (value as it may appear, what stands for it)
    given: Arc<Mutex<Vec<(String, String)>>>,
}

impl TrySecrets {
    pub(crate) fn new(source: Arc<dyn SecretSource>) -> Self {
        Self { source, given: Arc::default() }
    }

    fn given(&self) -> Vec<(String, String)> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `text` with names in place of values.
    pub(crate) fn redact_text(&self, text: &mut String) {
        for (value, name) in self.given() {
            if text.contains(&value) {
                *text = text.replace(&value, &name);
            }
        }
    }

    /// `value` with names in place of values, in keys too.
    pub(crate) fn redact(&self, value: &mut Value) {
        if self.given().is_empty() {
            return;
        }
        match value {
            Value::String(text) => self.redact_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::Object(members) => {
                let old = std::mem::take(members);
                for (mut name, mut member) in old {
                    self.redact_text(&mut name);
                    self.redact(&mut member);
                    members.insert(name, member);
                }
            }
            _ => {}
        }
    }

    /// `error` with names in place of values.
    pub(crate) fn redact_error(&self, error: &mut StepError) {
        self.redact_text(&mut error.message);
        self.redact_text(&mut error.error_type);
        error.cause.iter_mut().for_each(|cause| self.redact_text(cause));
        let mut metadata = Value::Object(std::mem::take(&mut error.metadata));
        self.redact(&mut metadata);
        if let Value::Object(metadata) = metadata {
            error.metadata = metadata;
        }
    }
}

impl SecretSource for TrySecrets {
    fn secret(&self, name: &str) -> Result<String, SecretError> {
        let value = self.source.secret(name)?;
        if value.len() >= SHORTEST {
            let shown = format!("[secret {name}]");
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            let escaped = Value::String(value.clone()).to_string();
            let escaped = escaped[1..escaped.len() - 1].to_owned();
            for form in [value.clone(), escaped] {
                if !given.iter().any(|(known, _)| *known == form) {
                    given.push((form, shown.clone()));
                }
            }
            // the longest first, so that a secret within a secret leaves nothing of the longer one
            given.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
        Ok(value)
    }
}

/// An artifact store for one try: what it puts is redacted on its way.
pub(crate) struct RedactingArtifacts {
    pub(crate) inner: Arc<dyn ArtifactStore>,
    pub(crate) secrets: TrySecrets,
}

#[async_trait]
impl ArtifactStore for RedactingArtifacts {
    async fn put(&self, bytes: ByteStream) -> Result<Stored, ArtifactError> {
        if self.secrets.given().is_empty() {
            return self.inner.put(bytes).await;
        }
        self.inner.put(redacted(bytes, self.secrets.given())).await
    }

    async fn open(&self, sha256: Sha256) -> Result<ByteStream, ArtifactError> {
        self.inner.open(sha256).await
    }

    async fn delete(&self, sha256: Sha256) -> Result<bool, ArtifactError> {
        self.inner.delete(sha256).await
    }
}

/// Replaces values also where they cross from one piece to the next: what could still grow into the longest value is
/// held back until the next piece came, so a value that begins with another one is never cut in two.
fn redacted(bytes: ByteStream, given: Vec<(String, String)>) -> ByteStream {
    let pieces = bytes.map(Some).chain(stream::iter([None]));
    let state = (Vec::new(), given);
    Box::pin(
        pieces
            .scan(state, |(held, given), piece| {
                let out = match piece {
                    Some(Err(error)) => Err(error),
                    Some(Ok(piece)) => {
                        held.extend_from_slice(&piece);
                        Ok(replace(held, given, false))
                    }
                    None => Ok(replace(held, given, true)),
                };
                std::future::ready(Some(out))
            })
            .filter(|piece| std::future::ready(piece.as_ref().map_or(true, |bytes| !bytes.is_empty()))),
    )
}

/// Takes from `held` all that is decided and gives it with names in place of values; `given` has the longest first.
fn replace(held: &mut Vec<u8>, given: &[(String, String)], is_last: bool) -> Bytes {
    let longest = given.first().map_or(0, |(value, _)| value.len());
    let mut out = Vec::with_capacity(held.len());
    let mut at = 0;
    while at < held.len() && (is_last || at + longest <= held.len()) {
        match given.iter().find(|(value, _)| held[at..].starts_with(value.as_bytes())) {
            Some((value, name)) => {
                out.extend_from_slice(name.as_bytes());
                at += value.len();
            }
            None => {
                out.push(held[at]);
                at += 1;
            }
        }
    }
    held.drain(..at);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    struct One;
    impl SecretSource for One {
        fn secret(&self, _: &str) -> Result<String, SecretError> {
            Ok("hunter\"2222".into())
        }
    }

    #[tokio::test]
    async fn a_value_that_crosses_pieces_is_replaced_in_both_its_forms() {
        let secrets = TrySecrets::new(Arc::new(One));
        secrets.secret("DB").unwrap();
        let text = r#"{"a":"hunter\"2222"} hunter"2222!"#;
        for size in 1..text.len() {
            let pieces: Vec<_> =
                text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let bytes = redacted(Box::pin(stream::iter(pieces)), secrets.given());
            let all: Vec<Bytes> = bytes.try_collect().await.unwrap();
            assert_eq!(
                String::from_utf8(all.concat()).unwrap(),
                r#"{"a":"[secret DB]"} [secret DB]!"#,
                "{size}"
            );
        }
    }

    #[tokio::test]
    async fn a_value_that_begins_with_another_leaves_nothing_of_itself() {
        let given =
            vec![("secret-longer".to_owned(), "[L]".to_owned()), ("secret".to_owned(), "[S]".to_owned())];
        let text = "a secret and a secret-longer one, secret";
        for size in 1..text.len() {
            let pieces: Vec<_> =
                text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let all: Vec<Bytes> =
                redacted(Box::pin(stream::iter(pieces)), given.clone()).try_collect().await.unwrap();
            assert_eq!(String::from_utf8(all.concat()).unwrap(), "a [S] and a [L] one, [S]", "{size}");
        }
    }

    #[test]
    fn values_and_keys_of_an_output_are_redacted() {
        let secrets = TrySecrets::new(Arc::new(One));
        secrets.secret("DB").unwrap();
        let mut value = serde_json::json!({"hunter\"2222": ["x hunter\"2222 y", 1]});
        secrets.redact(&mut value);
        assert_eq!(value, serde_json::json!({"[secret DB]": ["x [secret DB] y", 1]}));
    }
}
