//! Transforms over streams: order, limits, errors, and that threads never show in the result.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod support;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compute_client::{
    CallMeta, ComputeError, LocalCompute, Mode, OnError, RowFailure, Stop, TransformItem, TransformRequest,
};
use compute_local::{Limits, LocalComputeEngine};
use futures_util::{StreamExt, stream};
use lorchestra_json::RowBatch;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{block_on, input, request, transform};

/// An engine with threads, also on a machine with one core.
fn engine() -> LocalComputeEngine {
    LocalComputeEngine::new(Limits { max_workers: threads(8), ..Limits::default() })
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn numbers(count: u64) -> Vec<Value> {
    (0..count).map(|n| json!({ "n": n })).collect()
}

#[test]
fn outputs_come_in_the_order_of_the_input_whatever_the_parallelism() {
    let rows = numbers(3000);
    // later rows are quicker, so that workers overtake each other
    let program = "if .n % 100 == 0 then last(range(3000 - .n)) as $_ | .n else .n end";
    let expected: Vec<Value> = (0..3000).map(Value::from).collect();
    for max_parallel in [1, 2, 8, 1000] {
        let request = TransformRequest { max_parallel: threads(max_parallel), ..request(program) };
        let output = transform(&engine(), request, input(&rows, 700)).unwrap();
        assert_eq!(output.rows, expected);
        assert_eq!((output.stats.input, output.stats.output), (3000, 3000));
    }
}

#[test]
fn a_row_may_give_none_one_or_many_outputs() {
    let output = transform(&engine(), request("range(.n)"), input(&numbers(4), 3)).unwrap();
    assert_eq!(output.rows, [json!(0), json!(0), json!(1), json!(0), json!(1), json!(2)]);
    assert_eq!((output.stats.input, output.stats.output), (4, 6));
}

#[test]
fn a_failing_row_is_named_and_fails_the_transform() {
    let program = "if .n >= 1500 then error(\"too large\") else . end";
    let request = TransformRequest { max_parallel: threads(8), ..request(program) };
    let error = transform(&engine(), request, input(&numbers(5000), 1000)).unwrap_err();
    assert_eq!(error.to_string(), "transform test@1.0.0 failed on row 1500: too large");
    assert!(!error.retryable());
}

#[test]
fn skipped_rows_are_counted_and_the_first_twenty_errors_kept() {
    // what a row gave before it failed is not kept
    let program = ".n, (select(.n % 10 == 3) | error(\"three: \\(.n)\"))";
    let request = TransformRequest { on_error: OnError::Skip, max_parallel: threads(4), ..request(program) };
    let output = transform(&engine(), request, input(&numbers(1000), 300)).unwrap();
    assert_eq!(output.rows.len(), 900);
    assert!(!output.rows.contains(&json!(3)));
    assert_eq!((output.stats.input, output.stats.output, output.stats.skipped), (1000, 900, 100));
    let failure = |row| RowFailure { row, message: format!("three: {row}") };
    assert_eq!(output.stats.errors, (0..20).map(|n| failure(n * 10 + 3)).collect::<Vec<_>>());
}

#[test]
fn quarantined_rows_come_with_their_error_and_as_they_were() {
    let rows = b"{\"n\": 9007199254740993}\n{broken\n{\"n\": 2}\n";
    let batches = stream::iter([Ok(RowBatch::from_ndjson(rows))]).boxed();
    let program = "if .n > 2 then error(\"no\") else .n end";
    let request = TransformRequest { on_error: OnError::Quarantine, ..request(program) };
    let output = transform(&engine(), request, batches).unwrap();
    assert_eq!(output.rows, [json!(2)]);
    assert_eq!(
        output.quarantined,
        [
            json!({"row": 0, "error": "no", "record": {"n": 9007199254740993_i64}}),
            json!({"row": 1, "record": "{broken", "error": "the row is not JSON: \
               key must be a string at line 1 column 2"}),
        ]
    );
    assert_eq!((output.stats.quarantined, output.stats.skipped, output.stats.errors.len()), (2, 0, 2));
}

#[test]
fn mode_all_gives_the_list_as_one_input() {
    let all = |program| TransformRequest { mode: Mode::All, ..request(program) };
    let output = transform(&engine(), all("map(.n) | add, length"), input(&numbers(2500), 1000)).unwrap();
    assert_eq!(output.rows, [json!(2499 * 1250), json!(2500)]);
    assert_eq!((output.stats.input, output.stats.output), (2500, 2));
    assert_eq!(transform(&engine(), all("length"), input(&[], 1)).unwrap().rows, [json!(0)]);

    let error = transform(&engine(), all(".[0].n.x"), input(&numbers(2), 1)).unwrap_err();
    assert_eq!(error.to_string(), "transform test@1.0.0 failed: cannot index 0 with \"x\"");
    let skip = TransformRequest { on_error: OnError::Skip, ..all(".") };
    let error = transform(&engine(), skip, input(&[], 1)).unwrap_err();
    assert!(matches!(error, ComputeError::InvalidRequest { .. }), "{error}");
}

#[test]
fn mode_all_refuses_a_list_that_is_too_long() {
    for limits in
        [Limits { list_rows: 10, ..Limits::default() }, Limits { list_bytes: 85, ..Limits::default() }]
    {
        let engine = LocalComputeEngine::new(limits);
        let all = || TransformRequest { mode: Mode::All, ..request("length") };
        assert!(transform(&engine, all(), input(&numbers(10), 3)).is_ok());
        let error = transform(&engine, all(), input(&numbers(11), 3)).unwrap_err();
        assert!(matches!(error, ComputeError::InputLimit { .. }), "{error}");
    }
}

#[test]
fn limits_of_a_row_fail_that_row() {
    let limits = Limits { row_output_bytes: 100, row_time: Duration::from_secs(3600), ..Limits::default() };
    let engine = LocalComputeEngine::new(limits);
    let program = "if .n == 1 then repeat(1) else .n end";
    let error = transform(&engine, request(program), input(&numbers(3), 3)).unwrap_err();
    assert_eq!(error.to_string(), "transform test@1.0.0 wrote more than 100 bytes on row 1");
    let skip = TransformRequest { on_error: OnError::Skip, ..request(program) };
    assert_eq!(transform(&engine, skip, input(&numbers(3), 3)).unwrap().rows, [json!(0), json!(2)]);

    let engine = LocalComputeEngine::new(Limits { row_time: Duration::ZERO, ..Limits::default() });
    let error = transform(&engine, request("range(10)"), input(&numbers(3), 3)).unwrap_err();
    assert_eq!(error.to_string(), "transform test@1.0.0 took longer than 0 ms on row 0");
}

#[test]
fn a_program_that_does_not_compile_fails_before_any_row() {
    let error = transform(&engine(), request(".a |\n  nothing"), input(&numbers(1), 1)).unwrap_err();
    let expected = "transform test@1.0.0 does not compile: 2:3: there is no function nothing/0";
    assert_eq!(error.to_string(), expected);
    let not_text = TransformRequest { program: b".a\n| \xff".as_slice().into(), ..request("") };
    let error = transform(&engine(), not_text, input(&numbers(1), 1)).unwrap_err();
    assert_eq!(error.to_string(), "transform test@1.0.0 does not compile: 2: the program is not UTF-8");
}

#[test]
fn a_failing_source_is_reported_after_the_rows_before_it() {
    let source = "the disk is gone";
    let lost = ComputeError::Input { retryable: true, source: source.into() };
    let batches = stream::iter([Ok(RowBatch::of(&numbers(500))), Err(lost)]).boxed();
    block_on(async {
        let request = TransformRequest { max_parallel: threads(4), ..request(".n") };
        let mut items =
            engine().transform(&CallMeta::default(), request, batches, Stop::never()).await.unwrap();
        let mut rows = 0;
        loop {
            match items.next().await.unwrap() {
                Ok(TransformItem::Rows(batch)) => rows += batch.len(),
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    assert!(
                        matches!(&error, ComputeError::Input { source, .. } if source.to_string() == "the disk is gone")
                    );
                    break;
                }
            }
        }
        assert_eq!(rows, 500);
        assert!(items.next().await.is_none());
    });
}

#[test]
fn a_stopped_or_late_transform_ends_early() {
    // without end: only the stop ends these
    let endless = || stream::repeat_with(|| Ok(RowBatch::of(&numbers(100)))).boxed();
    let stopped = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stopped);
    let error = block_on(async {
        let stop = Stop::when(move || seen.load(Ordering::Relaxed));
        let mut items =
            engine().transform(&CallMeta::default(), request(".n"), endless(), stop).await.unwrap();
        assert!(items.next().await.unwrap().is_ok());
        stopped.store(true, Ordering::Relaxed);
        while let Some(item) = items.next().await {
            if let Err(error) = item {
                return error;
            }
        }
        panic!("it ended by itself")
    });
    assert!(matches!(error, ComputeError::Cancelled));

    let error = block_on(async {
        let meta = CallMeta { deadline_ms: Some(1), ..CallMeta::default() };
        let mut items = engine().transform(&meta, request(".n"), endless(), Stop::never()).await.unwrap();
        items.next().await.unwrap().unwrap_err()
    });
    assert!(matches!(error, ComputeError::DeadlineExceeded));
}

#[test]
fn a_transform_nobody_reads_reads_only_a_little_of_its_input() {
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let batches = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(RowBatch::of(&numbers(10)))
    });
    block_on(async {
        let request = TransformRequest { max_parallel: threads(4), ..request(".n") };
        let batches = batches.boxed();
        let mut items =
            engine().transform(&CallMeta::default(), request, batches, Stop::never()).await.unwrap();
        for _ in 0..5 {
            items.next().await.unwrap().unwrap();
        }
    });
    assert!(taken.load(Ordering::Relaxed) <= 20, "{taken:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn parallel_equals_sequential(
        values in prop::collection::vec(-5_i64..5, 0..400),
        batch_rows in 1_usize..300,
        max_parallel in 2_usize..8,
        on_error in prop::sample::select(vec![OnError::Fail, OnError::Skip, OnError::Quarantine]),
        fails_at in 4_i64..8,
    ) {
        let rows: Vec<Value> = values.iter().map(|n| json!({ "n": n })).collect();
        let program = format!("if .n == {fails_at} then error(\"no\") else range(.n) as $i | {{n, $i}} end");
        let run = |max_parallel| {
            let request = TransformRequest { on_error, max_parallel: threads(max_parallel), ..request(&program) };
            transform(&engine(), request, input(&rows, batch_rows)).map_err(|error| error.to_string())
        };
        prop_assert_eq!(run(max_parallel), run(1));
    }
}
