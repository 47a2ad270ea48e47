//! Kill -9 in every step of the example, until each was hit often enough, and the outcome is that of a run that
//! nobody killed.
//!
//! A run tells each journal entry on standard error. After the dispatch of a chosen step the process is left alone for
//! a random moment and then killed. Whether the step was hit is counted from the journal afterwards: a try that was
//! dispatched and has no end was interrupted. The moments come from a range as long as the undisturbed step at first; it
//! grows with each hit and shrinks with each miss, so they spread over the whole step, its commit included.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use end_to_end::{JOBS, Sandbox};
use serde_json::Value;

const HITS: u64 = 10;
const MAX_ROUNDS: u32 = 60;
/// The bounds of the time after a dispatch that shots fall in.
const SHORTEST: Duration = Duration::from_micros(50);
const LONGEST: Duration = Duration::from_secs(2);
/// A run that begins anew more often than this does not get on.
const MAX_STARTS: u32 = 40;

#[test]
fn each_step_survives_being_killed_ten_times_and_tables_equal_those_of_an_undisturbed_run() {
    let seed = seed();
    println!("seed {seed}; LORCHESTRA_KILL_SEED={seed} aims the same way again");
    let undisturbed = Sandbox::loaded();
    let (mut hunt, results) = Hunt::rehearse(seed, &undisturbed);
    let tables = tables(&undisturbed);
    let mut rounds = 0;
    while !hunt.is_over() {
        rounds += 1;
        assert!(
            rounds <= MAX_ROUNDS,
            "void: after {MAX_ROUNDS} rounds some steps were hit too seldom:\n{hunt}"
        );
        let sandbox = Sandbox::loaded();
        for (job, result) in JOBS.iter().zip(&results) {
            assert_eq!(hunt.run(&sandbox, job), *result, "{job} in round {rounds} of seed {seed}");
        }
        assert_eq!(self::tables(&sandbox), tables, "round {rounds} of seed {seed}");
    }
    println!("{rounds} rounds\n{hunt}");
}

/// What the whole example leaves behind.
fn tables(sandbox: &Sandbox) -> [Vec<String>; 3] {
    ["raw.raw_objects", "canonical.canonical_objects", "derived.activity_by_kind"]
        .map(|table| sandbox.table(table))
}

fn seed() -> u64 {
    match std::env::var("LORCHESTRA_KILL_SEED") {
        Ok(text) => text.parse().expect("LORCHESTRA_KILL_SEED is a number"),
        Err(_) => std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as u64),
    }
}

/// How a step has been hit so far.
struct Target {
    hits: u64,
    shots: u64,
    /// Shots fall within this time after the dispatch was seen.
    range: Duration,
}

struct Hunt {
    random: u64,
    targets: BTreeMap<(usize, String), Target>,
}

impl Hunt {
    /// Runs the jobs undisturbed: how long their steps take, and what each run gives.
    fn rehearse(seed: u64, sandbox: &Sandbox) -> (Self, Vec<Value>) {
        let mut targets = BTreeMap::new();
        let mut results = Vec::new();
        for (position, job) in JOBS.iter().enumerate() {
            let mut command = sandbox.command(&["run", job, "-o", "ndjson"]);
            let mut child =
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
            let mut began = BTreeMap::new();
            for line in BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).expect("each entry is JSON");
                let step = entry["entry"]["step"].as_str().unwrap_or_default().to_owned();
                match entry["entry"]["type"].as_str() {
                    Some("step_dispatched") => {
                        began.insert(step, Instant::now());
                    }
                    Some("step_succeeded") => {
                        let range = began[&step].elapsed().max(SHORTEST);
                        targets.insert((position, step), Target { hits: 0, shots: 0, range });
                    }
                    _ => {}
                }
            }
            let status = child.wait().expect("the process ends");
            assert_eq!(status.code(), Some(0), "{job}");
            let id = newest_run(sandbox, job).expect("a run");
            let shown = sandbox.run(&["runs", "show", &id, "-o", "json"]).with_code(0).json();
            results.push(shown["record"]["result"].clone());
        }
        (Self { random: seed, targets }, results)
    }

    fn is_over(&self) -> bool {
        self.targets.values().all(|target| target.hits >= HITS)
    }

    /// SplitMix64: the same seed aims the same way.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    /// One run of `job`, killed in each step that needs hits, resumed until it has ended. Gives its result.
    fn run(&mut self, sandbox: &Sandbox, job: &str) -> Value {
        let position = JOBS.iter().position(|known| *known == job).expect("a job of the example");
        let mut shot_at: Vec<String> = Vec::new();
        let mut run_id: Option<String> = None;
        // now and then before anything is dispatched: while the run is being created
        let mut blind = (self.below(4) == 0).then(|| Duration::from_micros(self.below(60_000)));
        for _ in 0..MAX_STARTS {
            let args = match &run_id {
                Some(id) => vec!["runs", "resume", id.as_str(), "-o", "ndjson"],
                None => vec!["run", job, "-o", "ndjson"],
            };
            let mut command = sandbox.command(&args);
            let child =
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
            let end = match blind.take() {
                Some(pause) => kill_after(child, pause),
                None => self.watch(child, position, &mut shot_at),
            };
            if run_id.is_none() {
                run_id = newest_run(sandbox, job);
            }
            let Some(id) = &run_id else {
                assert!(end.killed, "{job} ended without a run:\n{}", end.said);
                continue;
            };
            let shown = sandbox.run(&["runs", "show", id, "-o", "json"]).with_code(0);
            let run = shown.json();
            let status = run["record"]["status"].as_str().unwrap_or_default();
            if matches!(status, "queued" | "running" | "waiting") {
                assert!(end.killed, "{job} stopped by itself, {status}:\n{}", end.said);
                continue;
            }
            assert_eq!(status, "success", "{job}:\n{}\n{}", end.said, shown.stdout);
            assert!(!shown.stdout.contains("crash_loop"), "{}", shown.stdout);
            for (step, _, tries, ..) in shown.steps() {
                self.count(position, step, tries.saturating_sub(1), &shot_at);
            }
            return run["record"]["result"].clone();
        }
        panic!("{job} did not end within {MAX_STARTS} starts:\n{self}");
    }

    /// Lets the process go on until a step is dispatched that was not shot at in this run, and kills it in there.
    fn watch(&mut self, mut child: Child, position: usize, shot_at: &mut Vec<String>) -> End {
        let talk = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        for line in talk.lines().map_while(Result::ok) {
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            said.push_str(&line);
            said.push('\n');
            let event = &entry["entry"];
            if event["type"] != "step_dispatched" {
                continue;
            }
            let step = event["step"].as_str().expect("a dispatch names its step").to_owned();
            let key = (position, step.clone());
            let target = self.targets.get_mut(&key).expect("a step of the plan");
            if shot_at.contains(&step) || target.hits >= HITS {
                continue;
            }
            target.shots += 1;
            let range = target.range;
            shot_at.push(step);
            let pause = self.below(range.as_micros() as u64);
            spin(Duration::from_micros(pause));
            // it may have ended meanwhile: then this was a miss
            let _ = child.kill();
            break;
        }
        let status = child.wait().expect("the process ends");
        End { killed: status.code().is_none(), said }
    }

    fn count(&mut self, position: usize, step: String, interrupted: u64, shot_at: &[String]) {
        let was_target = shot_at.contains(&step);
        let target = self.targets.get_mut(&(position, step)).expect("a step of the plan");
        target.hits += interrupted;
        if was_target {
            let range = if interrupted > 0 { target.range * 5 / 4 } else { target.range / 2 };
            target.range = range.clamp(SHORTEST, LONGEST);
        }
    }
}

impl std::fmt::Display for Hunt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for ((position, step), target) in &self.targets {
            let Target { hits, shots, range } = target;
            writeln!(
                f,
                "{:<26} {step:<14} {hits:>3} hits, {shots:>3} shots, within {range:?}",
                JOBS[*position]
            )?;
        }
        Ok(())
    }
}

struct End {
    killed: bool,
    said: String,
}

fn kill_after(mut child: Child, pause: Duration) -> End {
    spin(pause);
    let _ = child.kill();
    let output = child.wait_with_output().expect("the process ends");
    End { killed: output.status.code().is_none(), said: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Waits to the microsecond.
fn spin(pause: Duration) {
    let from = Instant::now();
    while from.elapsed() < pause {
        std::hint::spin_loop();
    }
}

fn newest_run(sandbox: &Sandbox, job: &str) -> Option<String> {
    let runs = sandbox.run(&["runs", "list", "--job", job, "--limit", "1", "-o", "json"]).with_code(0).json();
    Some(runs[0]["run_id"].as_str()?.to_owned())
}
