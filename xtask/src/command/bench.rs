//! `bench`: ours beside the bare store, in one run (quality.md B1 and B4). Prints what it measured and never fails
//! because of a number.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::test::require_c_compiler;
use crate::failure::{Failure, Outcome};
use crate::workspace::{Workspace, run as run_shown};

const ROUNDS: usize = 15;
/// What a cold run may cost beyond one and a half bare starts.
const ALLOWANCE: Duration = Duration::from_millis(10);

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    require_c_compiler()?;
    let build =
        ["build", "--release", "-p", "lorchestra", "-p", "io-sqlite", "--bin", "lorchestra", "--examples"];
    run_shown(&mut workspace.cargo(build))?;
    let release = workspace.target().join("release");
    println!("\nB1  1,000 no-op steps, each durably recorded; ratio = ours / bare, reach 0.70");
    run_shown(&mut Command::new(release.join("examples/durable_steps")))?;
    println!("\nB4  a one-step job, cold, fresh store; reach 1.5 x bare + 10 ms, 20 MB");
    cold(&release, &workspace.target().join("bench"))
}

fn cold(release: &Path, folder: &Path) -> Outcome {
    let mut ours = Vec::new();
    let mut bare = Vec::new();
    let mut peak = 0;
    for _ in 0..ROUNDS {
        project(folder)?;
        let mut command = Command::new(release.join("lorchestra"));
        let (took, memory) = timed(command.args(["run", "one", "-q"]).current_dir(folder))?;
        ours.push(took);
        peak = peak.max(memory);
        let mut command = Command::new(release.join("examples/bare_store"));
        bare.push(timed(command.arg(folder.join("bare.db")))?.0);
    }
    let (ours, bare) = (median(ours), median(bare));
    let bound = bare.mul_f64(1.5) + ALLOWANCE;
    println!(
        "{{\"bench\":\"B4\",\"ours_ms\":{:.1},\"bare_ms\":{:.1},\"bound_ms\":{:.1},\"peak_memory_kib\":{peak}}}",
        millis(ours),
        millis(bare),
        millis(bound)
    );
    Ok(())
}

/// A fresh project of one job with one step.
fn project(folder: &Path) -> Outcome {
    let write = || -> std::io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder.join("jobs"))?;
        fs::write(folder.join("lorchestra.yaml"), "jobs: jobs\n")?;
        let job =
            "job_id: one\nversion: \"1\"\nsteps:\n  - {step_id: a, op: log.dump, params: {items: [1]}}\n";
        fs::write(folder.join("jobs/one.yaml"), job)
    };
    write().map_err(|error| Failure::cannot_run(format!("cannot make {}: {error}", folder.display())))
}

/// How long the command took, and the most memory it was seen with, in KiB (Linux; elsewhere 0).
fn timed(command: &mut Command) -> Result<(Duration, u64), Failure> {
    let cannot =
        |error: std::io::Error| Failure::cannot_run(format!("cannot start the measured command: {error}"));
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(cannot)?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        peak = peak.max(seen);
        if let Some(status) = child.try_wait().map_err(cannot)? {
            let took = begin.elapsed();
            return if status.success() {
                Ok((took, peak))
            } else {
                Err(Failure::found(format!("the measured command ended with {status}")))
            };
        }
        std::thread::yield_now();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
