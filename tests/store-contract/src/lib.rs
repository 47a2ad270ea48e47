//! The contract of run stores, as cases that every store must pass, written once (engine.md §4).
//!
//! A store is brought by a `Bench`; `contract_tests!` makes one test of each case. What only one kind of store can
//! show (files, processes, damage) is tested beside the bench of that store.

pub mod cases;
pub mod sample;

use std::sync::Arc;

use lorchestra_core::run_store::RunStore;
use testkit::FixedClock;

/// What a case gives: an error of the store that it did not expect fails it.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A fresh, empty store, and what a case does to it from outside.
pub trait Bench: Send {
    /// The store, as somebody sees it who is no worker.
    fn store(&self) -> Arc<dyn RunStore>;

    /// The store, as the process of `worker` sees it.
    fn process_of(&mut self, worker: &str) -> Arc<dyn RunStore>;

    /// The process of `worker` dies. Nothing got from `process_of` for it may be in use.
    fn worker_dies(&mut self, worker: &str);

    /// The clock of the store.
    fn clock(&self) -> &FixedClock;
}

/// One test for each case of the contract; `$bench` makes a new bench.
#[macro_export]
macro_rules! contract_tests {
    ($bench:expr) => {
        $crate::contract_tests! { @ $bench;
            create:
                a_run_is_loaded_as_it_was_created
                the_same_key_and_request_give_the_existing_run
                the_same_key_with_another_request_is_a_conflict
                creating_the_same_run_again_gives_the_existing_run
                another_run_under_a_taken_id_is_refused
                a_run_without_run_created_is_refused
                runs_of_one_instance_keep_their_own_time_of_compilation;
            append:
                what_is_appended_is_loaded
                a_stale_epoch_writes_nothing
                an_epoch_that_was_released_writes_nothing
                a_stale_seq_writes_nothing
                entries_with_a_gap_are_refused
                a_row_of_another_run_is_refused
                an_unknown_run_is_not_found
                a_retry_opens_an_ended_run;
            inbox:
                messages_are_taken_with_the_commit_that_takes_them_in
                taking_a_message_that_is_not_there_writes_nothing
                a_message_wakes_a_waiting_run
                a_message_that_was_not_taken_keeps_the_run_due
                a_child_that_ends_tells_its_parent
                telling_an_unknown_parent_writes_nothing;
            children:
                children_are_created_with_the_commit_that_starts_them
                a_refused_commit_creates_no_children
                a_child_that_exists_is_left_as_it_is
                a_child_whose_key_is_taken_by_another_run_is_refused;
            claim:
                new_runs_are_claimed_oldest_first
                a_held_run_is_not_claimed_again
                a_lease_that_ran_out_is_reclaimed_with_a_greater_epoch
                a_heartbeat_prolongs_a_lease
                a_heartbeat_of_a_lost_claim_is_refused
                the_epoch_grows_over_release_and_claim
                a_worker_that_died_loses_its_leases_at_once
                a_worker_that_comes_back_does_not_have_its_old_leases
                orphans_come_before_runs_that_are_due
                a_waiting_run_is_claimed_when_its_time_has_come
                a_run_let_go_while_running_is_due_at_once
                an_ended_run_is_claimed_only_by_name
                a_named_run_is_claimed_before_its_time
                a_run_in_quarantine_is_claimed_only_by_name;
            list:
                runs_are_listed_newest_first_page_by_page
                filters_hold_together
                a_page_after_an_unknown_run_is_not_found
                a_run_is_found_by_either_end_of_its_id;
            group:
                of_many_writers_at_once_only_the_wrong_one_is_refused;
        }
    };
    (@ $bench:expr; $($module:ident: $($case:ident)*;)*) => {
        $($(
            #[tokio::test]
            async fn $case() -> $crate::Outcome {
                let mut bench = $bench;
                $crate::cases::$module::$case(&mut bench).await
            }
        )*)*
    };
}
