//! Collection of artifacts beside the embedded store.

use std::time::Duration;

use io_sqlite::artifacts::{GcOptions, GcReport, SqliteArtifacts};
use lorchestra_core::artifact::ArtifactStore;
use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{Append, ClaimRuns, Commit, CreateRun};
use lorchestra_json::Sha256;
use store_contract::{Bench, Outcome, sample};
use testkit::{bytes_of, read_all};

use crate::artifacts::{file_of, files_below};
use crate::bench::SqliteBench;

const HOUR_MS: u64 = 3_600_000;

async fn put(store: &SqliteArtifacts, text: &'static str) -> Result<Sha256, Box<dyn std::error::Error>> {
    Ok(store.put(bytes_of(text)).await?.sha256)
}

fn exists(store: &SqliteArtifacts, digest: Sha256) -> bool {
    file_of(store.dir(), digest).exists()
}

#[tokio::test]
async fn what_entries_and_instances_name_is_kept_and_the_rest_is_deleted() -> Outcome {
    let bench = SqliteBench::new()?;
    let (runs, store, now) = (bench.sqlite(), bench.artifacts()?, bench.clock().now());
    let by_creation = put(&store, "named when the run was created").await?;
    let by_commit = put(&store, "named by a commit").await?;
    let by_child = put(&store, "named by a child").await?;
    let resource = put(&store, "resource of job").await?;
    assert_eq!(resource, sample::resource("job"));
    let unnamed = [put(&store, "of a commit that never came").await?, put(&store, "of nobody").await?];

    let mut run = sample::run("run-1", now);
    run.artifacts = vec![by_creation, resource];
    runs.create_run(run).await?;
    runs.claim("worker", 1_000, 1).await?;
    let mut child = sample::child_of(sample::run("child", now), "run-1");
    child.artifacts = vec![by_child];
    let commit = Commit { artifacts: vec![by_commit], children: vec![child], ..sample::step(1, now) };
    runs.append("run-1", 1, 1, commit).await?;
    let stale = Commit { artifacts: vec![unnamed[0]], ..sample::step(2, now) };
    assert!(runs.append("run-1", 9, 2, stale).await.is_err());

    bench.clock().advance_ms(HOUR_MS - 1);
    assert_eq!(store.gc(GcOptions::default()).await?, GcReport::default(), "all are younger than an hour");
    bench.clock().advance_ms(1);
    let dry_run = store.gc(GcOptions { dry_run: true, ..GcOptions::default() }).await?;
    assert_eq!(dry_run.files, 2);
    assert!(exists(&store, unnamed[0]) && exists(&store, unnamed[1]));
    assert_eq!(store.gc(GcOptions::default()).await?, dry_run);
    for digest in unnamed {
        assert!(!exists(&store, digest));
    }
    for (digest, text) in [
        (by_creation, "named when the run was created"),
        (by_commit, "named by a commit"),
        (by_child, "named by a child"),
        (resource, "resource of job"),
    ] {
        assert_eq!(read_all(store.open(digest).await?).await?, text.as_bytes());
    }
    assert_eq!(store.gc(GcOptions::default()).await?, GcReport::default());
    Ok(())
}

#[tokio::test]
async fn storing_again_renews_the_time() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = bench.artifacts()?;
    let digest = put(&store, "twice").await?;
    bench.clock().advance_ms(HOUR_MS);
    assert_eq!(put(&store, "twice").await?, digest);
    assert_eq!(store.gc(GcOptions::default()).await?.files, 0);
    let at_once = GcOptions { older_than: Duration::ZERO, ..GcOptions::default() };
    assert_eq!(store.gc(at_once).await?.files, 1);
    assert!(!exists(&store, digest));
    Ok(())
}

#[tokio::test]
async fn files_of_others_are_left_alone_and_those_of_killed_writers_are_not() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = bench.artifacts()?;
    let digest = put(&store, "old").await?;
    let foreign = store.dir().join(&digest.to_string()[..2]).join("notes.txt");
    std::fs::write(&foreign, "mine")?;
    std::fs::write(store.dir().join("tmp/killed"), "half")?;
    let written = std::fs::File::create(store.dir().join("tmp/alive"))?;
    written.lock()?;
    bench.clock().advance_ms(HOUR_MS);
    let report = store.gc(GcOptions::default()).await?;
    assert_eq!(report.files, 2);
    assert!(foreign.exists());
    assert_eq!(files_below(&store.dir().join("tmp"))?, [store.dir().join("tmp/alive")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_just_stored_is_there_although_collections_run_meanwhile() -> Outcome {
    let bench = SqliteBench::new()?;
    let store = std::sync::Arc::new(bench.artifacts()?);
    let collector = std::sync::Arc::clone(&store);
    let collecting = tokio::spawn(async move {
        for _ in 0..30 {
            collector.gc(GcOptions::default()).await?;
        }
        Ok::<(), lorchestra_core::artifact::ArtifactError>(())
    });
    for _ in 0..30 {
        let digest = put(&store, "again and again").await?;
        assert!(exists(&store, digest));
        assert_eq!(read_all(store.open(digest).await?).await?, b"again and again");
        // old enough for the next collection, unless it is stored again first
        bench.clock().advance_ms(HOUR_MS / 2);
    }
    collecting.await??;
    Ok(())
}
