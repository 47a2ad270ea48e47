//! Collection: deletes artifacts that nothing names.
//!
//! An artifact is stored before the commit that names it, so what is young is kept whether it is named or not; storing
//! bytes again makes them young again. Files are judged under the lock that `put` needs to renew or name one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lorchestra_core::artifact::ArtifactError;
use lorchestra_json::Sha256;

use super::layout::{Layout, failed, system_time};
use super::{SqliteArtifacts, blocking};
use crate::run_store::ArtifactNames;

/// What to collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// Keep what was stored, or stored again, more recently than this. It must be longer than any step takes from
    /// storing an artifact to the commit that names it.
    pub older_than: Duration,
    /// Count and delete nothing.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { older_than: Duration::from_secs(3600), dry_run: false }
    }
}

/// What was deleted, or would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcReport {
    /// Files.
    pub files: u64,
    /// Bytes as stored, that is compressed.
    pub bytes: u64,
}

impl SqliteArtifacts {
    /// Deletes what no entry and no instance of the run store names and is old enough, and what processes left that
    /// were killed while they stored. Runs and other collections may go on meanwhile.
    ///
    /// # Errors
    /// When the store or the files cannot be read. What was deleted until then stays deleted; repeat it.
    pub async fn gc(&self, options: GcOptions) -> Result<GcReport, ArtifactError> {
        let (layout, names, now) = (self.layout.clone(), self.names.clone(), system_time(self.clock.now()));
        blocking(move || {
            let mut collection = Collection { layout, names, now, options, report: GcReport::default() };
            collection.temporary_files()?;
            for dir in entries(collection.layout.dir())? {
                let is_prefix = dir.file_name().is_some_and(|name| name.len() == 2);
                if is_prefix && dir.is_dir() {
                    collection.artifacts_in(&dir)?;
                }
            }
            Ok(collection.report)
        })
        .await
    }
}

struct Collection {
    layout: Layout,
    names: ArtifactNames,
    now: SystemTime,
    options: GcOptions,
    report: GcReport,
}

impl Collection {
    fn artifacts_in(&mut self, dir: &Path) -> Result<(), ArtifactError> {
        let _lock = self.layout.lock_exclusive()?;
        let mut old: Vec<(Sha256, u64)> = Vec::new();
        for path in entries(dir)? {
            let Some(digest) = Layout::digest_of(&path) else { continue };
            let metadata = fs::metadata(&path).map_err(|error| failed("examine", &path, &error))?;
            let stored = metadata.modified().map_err(|error| failed("examine", &path, &error))?;
            if stored.checked_add(self.options.older_than).is_some_and(|end| end <= self.now) {
                old.push((digest, metadata.len()));
            }
        }
        let digests: Vec<Sha256> = old.iter().map(|(digest, _)| *digest).collect();
        let unnamed = self
            .names
            .unnamed(&digests)
            .map_err(|error| ArtifactError::Store { message: error.to_string(), retryable: false })?;
        for (digest, bytes) in old {
            if unnamed.contains(&digest) {
                self.delete(&self.layout.path(digest), bytes)?;
            }
        }
        Ok(())
    }

    /// A temporary file whose lock is free has lost its writer.
    fn temporary_files(&mut self) -> Result<(), ArtifactError> {
        let _lock = self.layout.lock_exclusive()?;
        for path in entries(&self.layout.temporary_dir())? {
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() {
                let bytes = file.metadata().map_or(0, |metadata| metadata.len());
                self.delete(&path, bytes)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, path: &Path, bytes: u64) -> Result<(), ArtifactError> {
        if !self.options.dry_run {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("delete", path, &error));
                }
                _ => {}
            }
        }
        self.report.files += 1;
        self.report.bytes += bytes;
        Ok(())
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, ArtifactError> {
    let read = || fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let entries: io::Result<Vec<PathBuf>> = read();
    entries.map_err(|error| failed("list", dir, &error))
}
