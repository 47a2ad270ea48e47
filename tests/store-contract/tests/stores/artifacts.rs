//! What every artifact store promises.

use std::path::Path;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lorchestra_core::artifact::{ArtifactError, ArtifactStore, ByteStream};
use lorchestra_json::{Hasher, Sha256};
use store_contract::Outcome;
use testkit::{MemoryArtifacts, bytes_of, read_all};

use crate::bench::SqliteBench;

/// Rows that compress neither well nor badly, in pieces of odd sizes, without holding them all.
fn rows(bytes: usize) -> ByteStream {
    let pieces = (0_u64..).scan(0, move |made, number| {
        let mut piece = Vec::new();
        for row in 0..number % 97 {
            let digest = Sha256::of(&(number * 1_000 + row).to_le_bytes());
            piece.extend_from_slice(format!("{{\"row\":{row},\"digest\":\"{digest}\"}}\n").as_bytes());
        }
        let begins_inside = *made < bytes;
        *made += piece.len();
        begins_inside.then(|| Ok(Bytes::from(piece)))
    });
    stream::iter(pieces).boxed()
}

async fn digest_of(mut bytes: ByteStream) -> Result<(Sha256, u64, u64), ArtifactError> {
    let (mut hasher, mut size, mut newlines) = (Hasher::default(), 0, 0);
    while let Some(piece) = bytes.next().await {
        let piece = piece?;
        hasher.update(&piece);
        size += piece.len() as u64;
        newlines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    Ok((hasher.finish(), size, newlines))
}

async fn ten_megabytes_come_back_as_they_went_in(store: &dyn ArtifactStore) -> Outcome {
    let expected = digest_of(rows(10_000_000)).await?;
    assert!(expected.1 >= 10_000_000);
    let stored = store.put(rows(10_000_000)).await?;
    assert_eq!((stored.sha256, stored.bytes, stored.newlines), expected);
    assert_eq!(digest_of(store.open(stored.sha256).await?).await?, expected);
    Ok(())
}

async fn what_is_not_there_is_not_found(store: &dyn ArtifactStore) -> Outcome {
    let nothing = Sha256::of(b"never stored");
    let opened = store.open(nothing).await.map(|_| ());
    assert!(matches!(opened, Err(ArtifactError::NotFound(digest)) if digest == nothing), "{opened:?}");
    assert!(!store.delete(nothing).await?);
    Ok(())
}

async fn bytes_are_named_by_their_digest_and_deleted_once(store: &dyn ArtifactStore) -> Outcome {
    for bytes in [&b""[..], b"x", b"two\nlines\n"] {
        let first = store.put(bytes_of(bytes)).await?;
        assert_eq!(store.put(bytes_of(bytes)).await?, first);
        assert_eq!(first.sha256, Sha256::of(bytes));
        assert_eq!(read_all(store.open(first.sha256).await?).await?, bytes);
        assert!(store.delete(first.sha256).await?);
        assert!(!store.delete(first.sha256).await?);
    }
    Ok(())
}

async fn bytes_that_break_off_are_not_stored(store: &dyn ArtifactStore) -> Outcome {
    let whole = vec![b'x'; 600_000];
    let broken = stream::iter([
        Ok(Bytes::from(whole.clone())),
        Err(ArtifactError::Source("the connection was reset".into())),
    ]);
    let stored = store.put(broken.boxed()).await;
    assert!(matches!(stored, Err(ArtifactError::Source(_))), "{stored:?}");
    assert!(store.open(Sha256::of(&whole)).await.is_err());
    Ok(())
}

async fn every_promise(store: &dyn ArtifactStore) -> Outcome {
    ten_megabytes_come_back_as_they_went_in(store).await?;
    what_is_not_there_is_not_found(store).await?;
    bytes_are_named_by_their_digest_and_deleted_once(store).await?;
    bytes_that_break_off_are_not_stored(store).await
}

#[tokio::test]
async fn artifacts_in_memory_keep_every_promise() -> Outcome {
    every_promise(&MemoryArtifacts::default()).await
}

#[tokio::test]
async fn artifacts_in_files_keep_every_promise() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = bench.artifacts()?;
    every_promise(&store).await?;
    assert_eq!(files_below(&store.dir().join("tmp"))?, Vec::<std::path::PathBuf>::new());
    Ok(())
}

#[tokio::test]
async fn damage_in_memory_is_detected() -> Outcome {
    let store = MemoryArtifacts::default();
    let stored = store.put(bytes_of("right")).await?;
    store.damage(stored.sha256, b"wrong");
    let read = read_all(store.open(stored.sha256).await?).await;
    assert!(matches!(read, Err(ArtifactError::Damaged(digest)) if digest == stored.sha256), "{read:?}");
    Ok(())
}

#[tokio::test]
async fn damage_of_a_file_is_detected_and_mended_by_storing_again() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = bench.artifacts()?;
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let digest = store.put(bytes_of(bytes.clone())).await?.sha256;
    let other = store.put(bytes_of("other")).await?.sha256;
    let path = file_of(store.dir(), digest);
    let whole = std::fs::read(&path)?;
    let cut = whole[..whole.len() / 2].to_vec();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let trailing = [&whole[..], b"more"].concat();
    let exchanged = std::fs::read(file_of(store.dir(), other))?;
    for damaged in [cut, flipped, trailing, exchanged, Vec::new()] {
        std::fs::write(&path, &damaged)?;
        let read = read_all(store.open(digest).await?).await;
        assert!(matches!(read, Err(ArtifactError::Damaged(named)) if named == digest), "{}", damaged.len());
        if damaged.len() != whole.len() {
            store.put(bytes_of(bytes.clone())).await?;
            assert_eq!(read_all(store.open(digest).await?).await?, bytes);
        }
    }
    Ok(())
}

pub(crate) fn file_of(dir: &Path, digest: Sha256) -> std::path::PathBuf {
    let hex = digest.to_string();
    dir.join(&hex[..2]).join(format!("{hex}.zst"))
}

pub(crate) fn files_below(dir: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
}
