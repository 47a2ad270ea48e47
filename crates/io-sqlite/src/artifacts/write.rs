//! Storing an artifact: hashed and compressed as it streams, in blocks that are written while the next one arrives.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt;
use lorchestra_core::artifact::{ArtifactError, ByteStream, Stored};
use lorchestra_core::clock::{Clock, Timestamp};
use lorchestra_json::{Hasher, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};
use zstd::stream::write::Encoder;

use super::layout::{Layout, TemporaryPath, failed, renew, sync_dir};
use super::{blocking, broken_off};

/// Bytes handed to the writing thread at once.
const BLOCK: usize = 256 * 1024;
/// Speed before size: artifacts are written in the middle of a run.
const LEVEL: i32 = 1;

pub(super) async fn put(
    layout: &Layout,
    clock: &dyn Clock,
    mut bytes: ByteStream,
) -> Result<Stored, ArtifactError> {
    let place = layout.clone();
    let mut writing = spawn_blocking(move || Writer::create(&place));
    let mut block = Vec::new();
    let mut size = 0;
    while let Some(piece) = bytes.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                // so that what was written is gone when this returns
                drop(idle(writing).await);
                return Err(error);
            }
        };
        size += piece.len();
        block.push(piece);
        if size >= BLOCK {
            let mut writer = idle(writing).await?;
            let full = std::mem::take(&mut block);
            size = 0;
            writing = spawn_blocking(move || writer.write(&full).map(|()| writer));
        }
    }
    let mut writer = idle(writing).await?;
    let (place, now) = (layout.clone(), clock.now());
    blocking(move || {
        writer.write(&block)?;
        writer.finish(&place, now)
    })
    .await
}

/// The writer, once it has written what it was given.
async fn idle(writing: JoinHandle<Result<Writer, ArtifactError>>) -> Result<Writer, ArtifactError> {
    writing.await.unwrap_or_else(|error| Err(broken_off(&error)))
}

/// A file that is being written. Dropped before it is finished, it leaves nothing.
struct Writer {
    path: TemporaryPath,
    encoder: Encoder<'static, File>,
    hasher: Hasher,
    bytes: u64,
    newlines: u64,
}

impl Writer {
    fn create(layout: &Layout) -> Result<Self, ArtifactError> {
        let (path, file) = layout.temporary()?;
        let encoder = Encoder::new(file, LEVEL).and_then(|mut encoder| {
            encoder.include_checksum(true)?;
            Ok(encoder)
        });
        let encoder = encoder.map_err(|error| failed("compress", path.as_path(), &error))?;
        Ok(Self { path, encoder, hasher: Hasher::default(), bytes: 0, newlines: 0 })
    }

    fn write(&mut self, block: &[Bytes]) -> Result<(), ArtifactError> {
        for piece in block {
            self.hasher.update(piece);
            self.bytes += piece.len() as u64;
            self.newlines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.encoder.write_all(piece).map_err(|error| failed("write", self.path.as_path(), &error))?;
        }
        Ok(())
    }

    fn finish(self, layout: &Layout, now: Timestamp) -> Result<Stored, ArtifactError> {
        let Self { path, encoder, hasher, bytes, newlines } = self;
        let file = encoder.finish().map_err(|error| failed("write", path.as_path(), &error))?;
        let sha256 = hasher.finish();
        if !renew_stored(layout, sha256, &file, now)? {
            renew(&file, path.as_path(), now)?;
            file.sync_all().map_err(|error| failed("sync", path.as_path(), &error))?;
            let _lock = layout.lock_shared()?;
            let name = layout.path(sha256);
            make_parent(&name)?;
            path.rename(&name)?;
        }
        // also when it was stored already: who stored it may not have come this far
        sync_dir(layout.path(sha256).parent().unwrap_or(layout.dir()))?;
        sync_dir(layout.dir())?;
        Ok(Stored { sha256, bytes, newlines })
    }
}

/// Renews the time of what is stored under `sha256`; `false` when nothing is, or something of another size than `new`,
/// which then is damaged and to be replaced.
fn renew_stored(layout: &Layout, sha256: Sha256, new: &File, now: Timestamp) -> Result<bool, ArtifactError> {
    let name = layout.path(sha256);
    let _lock = layout.lock_shared()?;
    let stored = match File::options().write(true).open(&name) {
        Ok(stored) => stored,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("open", &name, &error)),
    };
    let size = |file: &File| file.metadata().map(|metadata| metadata.len());
    let same = size(&stored).and_then(|stored| Ok(stored == size(new)?));
    if !same.map_err(|error| failed("examine", &name, &error))? {
        return Ok(false);
    }
    renew(&stored, &name, now)?;
    Ok(true)
}

fn make_parent(name: &Path) -> Result<(), ArtifactError> {
    match name.parent() {
        Some(dir) => fs::create_dir_all(dir).map_err(|error| failed("make", dir, &error)),
        None => Ok(()),
    }
}
