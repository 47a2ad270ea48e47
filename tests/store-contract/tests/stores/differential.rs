//! Random sequences of operations give the same answers on every store.

use std::collections::HashMap;
use std::fmt::Debug;

use lorchestra_core::clock::Clock;
use lorchestra_core::run::record::RunStatus;
use lorchestra_core::run_store::{ClaimOutcome, InboxMessage, RunFilter};
use proptest::prelude::*;
use store_contract::{Bench, sample};

use crate::bench::{MemoryBench, SqliteBench};

const WORKERS: [&str; 2] = ["left", "right"];

#[derive(Debug, Clone)]
enum Op {
    Create { run: u8, key: Option<u8> },
    Claim { worker: usize, limit: usize },
    ClaimRun { run: u8, worker: usize },
    Append { run: u8, epoch: i8, seq: i8, kind: u8, take_inbox: bool, child: Option<u8> },
    Send { run: u8 },
    Heartbeat { run: u8, epoch: i8, lease_ms: u16 },
    Release { run: u8, epoch: i8 },
    Quarantine { run: u8, epoch: i8 },
    Advance { ms: u16 },
    WorkerDies { worker: usize },
    List { job: Option<u8>, statuses: Vec<usize>, after: Option<u8>, limit: usize },
    Find { part: String },
}

fn op() -> impl Strategy<Value = Op> {
    let run = || 0..5_u8;
    let worker = || 0..WORKERS.len();
    // mostly the right one
    let off = || prop_oneof![12 => Just(0_i8), 1 => Just(1_i8), 1 => Just(-1_i8)];
    prop_oneof![
        4 => (run(), prop::option::of(0..3_u8)).prop_map(|(run, key)| Op::Create { run, key }),
        3 => (worker(), 0..3_usize).prop_map(|(worker, limit)| Op::Claim { worker, limit }),
        4 => (run(), worker()).prop_map(|(run, worker)| Op::ClaimRun { run, worker }),
        12 => (run(), off(), off(), any::<u8>(), any::<bool>(), prop::option::weighted(0.2, run()))
            .prop_map(|(run, epoch, seq, kind, take_inbox, child)| Op::Append { run, epoch, seq, kind, take_inbox, child }),
        2 => run().prop_map(|run| Op::Send { run }),
        1 => (run(), off(), any::<u16>())
            .prop_map(|(run, epoch, lease_ms)| Op::Heartbeat { run, epoch, lease_ms }),
        3 => (run(), off()).prop_map(|(run, epoch)| Op::Release { run, epoch }),
        1 => (run(), off()).prop_map(|(run, epoch)| Op::Quarantine { run, epoch }),
        3 => any::<u16>().prop_map(|ms| Op::Advance { ms }),
        1 => worker().prop_map(|worker| Op::WorkerDies { worker }),
        2 => (prop::option::of(0..2_u8), prop::collection::vec(0..7_usize, 0..3), prop::option::of(run()), 0..4_usize)
            .prop_map(|(job, statuses, after, limit)| Op::List { job, statuses, after, limit }),
        1 => "(run-?)?[0-5]?".prop_map(|part| Op::Find { part }),
    ]
}

fn run_id(run: u8) -> String {
    format!("run-{run}")
}

fn job_id(run: u8) -> String {
    format!("job_{}", run % 2)
}

/// Performs operations on one store and writes down every answer.
struct Player<B> {
    bench: B,
    epochs: HashMap<String, u64>,
    answers: Vec<String>,
}

impl<B: Bench> Player<B> {
    fn new(bench: B) -> Self {
        Self { bench, epochs: HashMap::new(), answers: Vec::new() }
    }

    fn note(&mut self, answer: &impl Debug) {
        self.answers.push(format!("{answer:?}"));
    }

    fn epoch(&self, run: u8, off: i8) -> u64 {
        self.epochs.get(&run_id(run)).copied().unwrap_or(1).saturating_add_signed(off.into())
    }

    async fn play(&mut self, op: &Op) {
        let store = self.bench.store();
        let now = self.bench.clock().now();
        match op {
            Op::Create { run, key } => {
                let run = sample::run_of(&job_id(*run), &run_id(*run), now);
                let run = match key {
                    Some(key) => sample::keyed(run, &format!("key-{key}")),
                    None => run,
                };
                self.note(&store.create_run(run).await);
            }
            Op::Claim { worker, limit } => {
                let worker = WORKERS[*worker];
                let claims = self.bench.process_of(worker).claim(worker, 30_000, *limit).await;
                for claim in claims.iter().flatten() {
                    self.epochs.insert(claim.run_id.clone(), claim.epoch);
                }
                self.note(&claims);
            }
            Op::ClaimRun { run, worker } => {
                let worker = WORKERS[*worker];
                let outcome = self.bench.process_of(worker).claim_run(&run_id(*run), worker, 30_000).await;
                if let Ok(ClaimOutcome::Claimed(claim)) = &outcome {
                    self.epochs.insert(claim.run_id.clone(), claim.epoch);
                }
                self.note(&outcome);
            }
            Op::Append { run, epoch, seq, kind, take_inbox, child } => {
                let epoch = self.epoch(*run, *epoch);
                let Ok(stored) = store.load_run(&run_id(*run)).await else { return };
                let after = (stored.entries.len() as u64).saturating_add_signed((*seq).into());
                let mut commit = match (stored.record.status, kind % 4) {
                    (RunStatus::Queued, _) | (RunStatus::Waiting, 0) => {
                        sample::start(&stored.record, after, now)
                    }
                    (status, _) if status.is_terminal() => sample::retry(&stored.record, after, now),
                    (_, 0 | 1) => sample::step(after, now),
                    (_, 2) => {
                        let wake_at = now.plus_millis(u64::from(*kind) * 100);
                        sample::wait(&stored.record, after, now, wake_at)
                    }
                    _ => sample::finish(&stored.record, after, now),
                };
                if *take_inbox {
                    commit.take_inbox = stored.inbox.iter().map(|row| row.id).collect();
                }
                if let Some(child) = child {
                    let new = sample::run_of(&job_id(*child), &run_id(*child), now);
                    commit.children = vec![sample::child_of(new, &run_id(*run))];
                }
                self.note(&store.append(&run_id(*run), epoch, after, commit).await);
            }
            Op::Send { run } => self.note(&store.send(&run_id(*run), InboxMessage::Unpause).await),
            Op::Heartbeat { run, epoch, lease_ms } => {
                let epoch = self.epoch(*run, *epoch);
                self.note(&store.heartbeat(&run_id(*run), epoch, (*lease_ms).into()).await);
            }
            Op::Release { run, epoch } => {
                let epoch = self.epoch(*run, *epoch);
                self.note(&store.release(&run_id(*run), epoch).await);
            }
            Op::Quarantine { run, epoch } => {
                let epoch = self.epoch(*run, *epoch);
                self.note(&store.quarantine(&run_id(*run), epoch, "damaged").await);
            }
            Op::Advance { ms } => self.bench.clock().advance_ms((*ms).into()),
            Op::WorkerDies { worker } => {
                // one that never lived cannot die
                drop(self.bench.process_of(WORKERS[*worker]).claim(WORKERS[*worker], 0, 0).await);
                self.bench.worker_dies(WORKERS[*worker]);
            }
            Op::List { job, statuses, after, limit } => {
                let filter = RunFilter {
                    job_id: job.map(job_id),
                    statuses: statuses.iter().map(|status| RunStatus::ALL[*status]).collect(),
                    after: after.map(run_id),
                    limit: *limit,
                    ..RunFilter::default()
                };
                self.note(&store.list_runs(&filter).await);
            }
            Op::Find { part } => self.note(&store.find_run(part).await),
        }
        self.note(&store.next_wake().await);
    }

    async fn finish(mut self) -> Vec<String> {
        let store = self.bench.store();
        for run in 0..5 {
            self.note(&store.load_run(&run_id(run)).await);
            self.note(&store.last_seq(&run_id(run)).await);
            self.note(&store.inbox(&run_id(run)).await);
        }
        // what can be claimed tells of wake-ups and leases
        for _ in 0..2 {
            self.play(&Op::Claim { worker: 0, limit: 10 }).await;
            self.bench.clock().advance_ms(40_000);
        }
        self.answers
    }
}

async fn play<B: Bench>(bench: B, ops: &[Op]) -> Vec<String> {
    let mut player = Player::new(bench);
    for op in ops {
        player.play(op).await;
    }
    player.finish().await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_operations_give_the_same_answers(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime of one thread");
        let memory = runtime.block_on(play(MemoryBench::default(), &ops));
        let sqlite = runtime.block_on(play(SqliteBench::new().expect("a new file"), &ops));
        prop_assert_eq!(memory, sqlite);
    }
}
