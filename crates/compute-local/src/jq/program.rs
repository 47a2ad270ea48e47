//! A compiled program, and one run of it over one value within limits.
//!
//! A run is stopped between two outputs. A program that never gives one (`def f: f; f`) cannot be stopped in process,
//! and one that recurses without end overflows its thread's stack; both need a process of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use compute_client::{Problem, Stop};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;

use super::functions::{self, Data};
use super::json_out::{self, Refused, brief};
use super::{json_in, problems};

/// Whether `source` compiles as a transform.
///
/// # Errors
/// Every mistake with its line and column.
///
/// ```
/// assert!(compute_local::check_transform(".payload | {id, event}").is_ok());
/// let problems = compute_local::check_transform(".payload |\n  now").unwrap_err();
/// assert_eq!((problems[0].line, problems[0].column), (2, Some(3)));
/// ```
pub fn check_transform(source: &str) -> Result<(), Vec<Problem>> {
    Program::compile(source).map(|_| ())
}

/// A program that compiled. It holds no values, so threads can share it.
pub(crate) struct Program(Filter<Data>);

/// When to stop, and how much may come out.
pub(crate) struct RunLimits<'a> {
    pub(crate) time: Duration,
    pub(crate) output_bytes: usize,
    pub(crate) deadline: Option<Instant>,
    pub(crate) stop: &'a Stop,
}

/// What one run gave: lines of JSON.
#[derive(Default)]
pub(crate) struct Outputs {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Why one run gave nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The program raised an error, or its input or output is not JSON.
    Said(String),
    /// It wrote more than it may.
    OutputLimit,
    /// It took longer than it may.
    TimeLimit,
    /// The call's deadline has passed.
    DeadlineExceeded,
    /// The caller asked to stop.
    Cancelled,
}

impl Program {
    pub(crate) fn compile(source: &str) -> Result<Self, Vec<Problem>> {
        let arena = Arena::default();
        let modules = Loader::new(functions::definitions())
            .load(&arena, File { code: source, path: () })
            .map_err(|errors| problems::of_loading(source, errors))?;
        let filter = Compiler::default()
            .with_funs(functions::natives())
            .compile(modules)
            .map_err(|errors| problems::of_compiling(source, errors))?;
        Ok(Self(filter))
    }

    /// Runs over one row.
    pub(crate) fn run_row(
        &self,
        row: &[u8],
        limits: &RunLimits<'_>,
        out: &mut Outputs,
    ) -> Result<(), Failure> {
        guarded(|| self.run(parse(row)?, limits, out))
    }

    /// Runs over all rows as one list.
    pub(crate) fn run_list<'a>(
        &self,
        rows: impl Iterator<Item = &'a [u8]>,
        limits: &RunLimits<'_>,
        out: &mut Outputs,
    ) -> Result<(), Failure> {
        guarded(|| {
            let list: Val = rows.map(parse).collect::<Result<_, _>>()?;
            self.run(list, limits, out)
        })
    }

    fn run(&self, input: Val, limits: &RunLimits<'_>, out: &mut Outputs) -> Result<(), Failure> {
        out.clear();
        let started = Instant::now();
        let context = Ctx::<Data>::new(&self.0.lut, Vars::new([]));
        for output in self.0.id.run((context, input)) {
            limits.check(started)?;
            let value = output.map_err(|exception| {
                Failure::Said(match exception.get_err() {
                    Ok(error) => said(error),
                    Err(_) => "the program ended itself".into(),
                })
            })?;
            out.push(&value, limits.output_bytes)?;
        }
        limits.check(started)
    }
}

fn parse(row: &[u8]) -> Result<Val, Failure> {
    json_in::parse(row).map_err(|error| Failure::Said(format!("the row is not JSON: {error}")))
}

/// The message of `error("text")` without quotes, any other value as JSON.
fn said(error: jaq_json::Error) -> String {
    match error.into_val() {
        Val::TStr(text) => brief(&String::from_utf8_lossy(&text)),
        value => brief(&value),
    }
}

/// The interpreter has a few internal panics that data can reach; they are failures of the row, not of the process.
fn guarded(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Failure::Said("the jq interpreter broke on this input".into())))
}

impl Failure {
    /// Whether other rows can still succeed.
    pub(crate) fn is_of_the_row(&self) -> bool {
        matches!(self, Self::Said(_) | Self::OutputLimit | Self::TimeLimit)
    }
}

impl RunLimits<'_> {
    fn check(&self, started: Instant) -> Result<(), Failure> {
        let now = Instant::now();
        if self.stop.is_set() {
            Err(Failure::Cancelled)
        } else if self.deadline.is_some_and(|deadline| now >= deadline) {
            Err(Failure::DeadlineExceeded)
        } else if now - started > self.time {
            Err(Failure::TimeLimit)
        } else {
            Ok(())
        }
    }
}

impl Outputs {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push(&mut self, value: &Val, max_len: usize) -> Result<(), Failure> {
        json_out::write(value, max_len, &mut self.bytes).map_err(|refused| match refused {
            Refused::TooLong => Failure::OutputLimit,
            Refused::NotJson(message) => Failure::Said(message),
        })?;
        self.ends.push(self.bytes.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: &str, row: &str) -> Result<Vec<String>, Failure> {
        run_within(source, row, Duration::from_secs(60), None, &Stop::never())
    }

    fn run_within(
        source: &str,
        row: &str,
        time: Duration,
        deadline: Option<Instant>,
        stop: &Stop,
    ) -> Result<Vec<String>, Failure> {
        let program = Program::compile(source).unwrap();
        let mut out = Outputs::default();
        program.run_row(row.as_bytes(), &RunLimits { time, output_bytes: 1000, deadline, stop }, &mut out)?;
        Ok(out.lines().map(|line| String::from_utf8(line.to_vec()).unwrap()).collect())
    }

    #[test]
    fn programs_are_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Program>();
    }

    #[test]
    fn a_row_gives_none_one_or_many_outputs_in_order() {
        assert_eq!(run(".a", r#"{"a": 9007199254740993}"#).unwrap(), ["9007199254740993"]);
        assert_eq!(run("empty", "1").unwrap(), [""; 0]);
        assert_eq!(run(".[] | {v: .}", "[1, null]").unwrap(), [r#"{"v":1}"#, r#"{"v":null}"#]);
        assert_eq!(run(". + 1", "9007199254740992").unwrap(), ["9007199254740993"]);
    }

    #[test]
    fn errors_say_what_the_program_said() {
        for (source, row, expected) in [
            (".a", "[]", "cannot index [] with \"a\""),
            ("error(\"no \\(.)\")", "7", "no 7"),
            (".", "{oops", "the row is not JSON: key must be a string at line 1 column 2"),
            ("9223372036854775807 * 4", "0", "the integer 36893488147419103228 does not fit 64 bits"),
            ("0 / 0", "0", "the number NaN has no JSON"),
            ("infinite", "0", "the number inf has no JSON"),
            ("{(\"a\", 1): 2}", "0", "the object key 1 is not a string"),
        ] {
            let Err(Failure::Said(message)) = run(source, row) else { panic!("{source} did not fail") };
            assert!(message.starts_with(expected), "{source}: {message}");
        }
    }

    #[test]
    fn a_program_is_stopped_between_two_outputs() {
        let never = Stop::never();
        assert_eq!(run("repeat(1)", "0"), Err(Failure::OutputLimit));
        assert_eq!(run("\"x\" * 2000", "0"), Err(Failure::OutputLimit));
        let none = Duration::ZERO;
        assert_eq!(run_within("repeat(1)", "0", none, None, &never), Err(Failure::TimeLimit));
        let hour = Duration::from_secs(3600);
        let stop = Stop::when(|| true);
        assert_eq!(run_within("repeat(1)", "0", hour, None, &stop), Err(Failure::Cancelled));
        let past = Some(Instant::now());
        assert_eq!(run_within("repeat(1)", "0", hour, past, &never), Err(Failure::DeadlineExceeded));
    }
}
