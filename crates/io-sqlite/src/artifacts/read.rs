//! Reading an artifact: decompressed in blocks, the next one while the last is consumed, and hashed to the end.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use lorchestra_core::artifact::{ArtifactError, ByteStream};
use lorchestra_json::{Hasher, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};
use zstd::stream::read::Decoder;

use super::layout::failed;
use super::{blocking, broken_off};

/// Uncompressed bytes in one item of the stream, at most.
const BLOCK: usize = 256 * 1024;

pub(super) async fn open(path: PathBuf, sha256: Sha256) -> Result<ByteStream, ArtifactError> {
    let reader = blocking(move || Reader::open(path, sha256)).await?;
    Ok(Box::pin(Blocks { reading: Some(reader.next()) }))
}

type Block = Result<Option<(Bytes, Reader)>, ArtifactError>;

/// The stream: always one block ahead of its consumer.
struct Blocks {
    /// `None` when the end, or an error, was given out.
    reading: Option<JoinHandle<Block>>,
}

impl Stream for Blocks {
    type Item = Result<Bytes, ArtifactError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let block = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        Poll::Ready(match block.unwrap_or_else(|error| Err(broken_off(&error))) {
            Ok(Some((bytes, reader))) => {
                self.reading = Some(reader.next());
                Some(Ok(bytes))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

struct Reader {
    path: PathBuf,
    sha256: Sha256,
    decoder: Decoder<'static, BufReader<File>>,
    hasher: Hasher,
}

impl Reader {
    fn open(path: PathBuf, sha256: Sha256) -> Result<Self, ArtifactError> {
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ArtifactError::NotFound(sha256),
            _ => failed("open", &path, &error),
        })?;
        let decoder = Decoder::new(file).map_err(|error| failed("decompress", &path, &error))?;
        Ok(Self { path, sha256, decoder, hasher: Hasher::default() })
    }

    fn next(mut self) -> JoinHandle<Block> {
        spawn_blocking(move || {
            let mut block = Vec::with_capacity(BLOCK);
            self.decoder
                .by_ref()
                .take(BLOCK as u64)
                .read_to_end(&mut block)
                .map_err(|error| unreadable(&self.path, self.sha256, &error))?;
            self.hasher.update(&block);
            if !block.is_empty() {
                return Ok(Some((block.into(), self)));
            }
            if self.hasher.finish() == self.sha256 {
                Ok(None)
            } else {
                Err(ArtifactError::Damaged(self.sha256))
            }
        })
    }
}

/// What the operating system reports is a failure of the store; anything else are bytes that do not decompress.
fn unreadable(path: &Path, sha256: Sha256, error: &io::Error) -> ArtifactError {
    if error.raw_os_error().is_some() { failed("read", path, error) } else { ArtifactError::Damaged(sha256) }
}
