//! Which artifacts the runs of a store name: what collection asks before it deletes.

use std::collections::HashSet;
use std::sync::Arc;

use lorchestra_core::run_store::StoreError;
use lorchestra_json::Sha256;

use super::connect::Readers;

/// The artifacts that entries and instances name.
#[derive(Debug, Clone)]
pub(crate) struct ArtifactNames(Arc<Readers>);

impl ArtifactNames {
    pub(super) fn new(readers: Arc<Readers>) -> Self {
        Self(readers)
    }

    /// Those of `digests` that nothing names, in one moment.
    pub(crate) fn unnamed(&self, digests: &[Sha256]) -> Result<HashSet<Sha256>, StoreError> {
        self.0.read(|connection| {
            let mut named = connection.prepare_cached(
                "SELECT 1 FROM artifact_refs WHERE sha256 = ?1 \
                 UNION ALL SELECT 1 FROM instance_resources WHERE sha256 = ?1",
            )?;
            let mut unnamed = HashSet::new();
            for digest in digests {
                if !named.exists([digest.as_bytes()])? {
                    unnamed.insert(*digest);
                }
            }
            Ok(unnamed)
        })
    }
}
