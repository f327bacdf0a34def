//! What every journal must do.

mod bench;
mod gone;
mod history;
mod interrupted;
mod items;
mod queue;

use crate::clock::FakeClock;
use bench::Bench;
use packhorse_core::port::Journal;
use std::sync::Arc;

/// Takes a journal through crashes, take-overs and repetitions.
///
/// `make` opens an empty journal that asks that clock for the time. A crash is
/// a lease that runs out without a word.
///
/// # Panics
///
/// When the journal breaks the contract.
pub async fn journal(make: impl Fn(FakeClock) -> Arc<dyn Journal>) {
    let bench = || {
        let clock = FakeClock::default();
        Bench { journal: make(clock.clone()), clock }
    };
    queue(bench).await;
    items(bench).await;
    crashes(bench).await;
    reports(bench).await;
}

async fn queue(bench: impl Fn() -> Bench) {
    queue::a_job_waits_is_carried_and_ends(&bench()).await;
    queue::one_of_several_workers_gets_a_job(&bench()).await;
    queue::workers_share_what_waits(&bench()).await;
    queue::what_is_not_queued_is_taken_by_its_number_alone(&bench()).await;
    queue::a_heartbeat_keeps_the_lease(&bench()).await;
    queue::an_expired_lease_is_taken_over_and_the_old_claim_refused(&bench()).await;
    queue::a_closed_claim_is_refused(&bench()).await;
    queue::a_job_is_cancelled_waiting_or_running_but_not_when_it_has_ended(&bench()).await;
    queue::what_did_not_finish_can_be_taken_by_its_number(&bench()).await;
    queue::what_stopped_is_taken_by_the_next_worker(&bench()).await;
    queue::two_jobs_of_a_route_are_not_carried_at_once(&bench()).await;
    queue::documents_are_kept_and_replaced(&bench()).await;
}

async fn items(bench: impl Fn() -> Bench) {
    items::a_record_is_fresh_then_done_then_changed(&bench()).await;
    items::what_a_job_wrote_it_knows_at_once(&bench()).await;
    items::what_was_dropped_is_no_item(&bench()).await;
    items::routes_scopes_and_kinds_do_not_mix(&bench()).await;
    items::items_are_found_by_origin_and_by_target(&bench()).await;
    items::lost_fields_are_told_of_each_record(&bench()).await;
    items::who_created_an_object_is_remembered(&bench()).await;
    items::a_full_batch_keeps_its_order(&bench()).await;
    gone::what_a_job_did_not_meet_is_gone(&bench()).await;
    gone::what_failed_is_not_gone(&bench()).await;
    gone::what_could_not_be_removed_is_gone_still(&bench()).await;
    gone::what_is_forgotten_is_fresh_again(&bench()).await;
}

async fn crashes(bench: impl Fn() -> Bench) {
    interrupted::records_begun_one_by_one_are_doubted(&bench()).await;
    interrupted::as_many_records_are_doubted_as_were_marked(&bench()).await;
    interrupted::two_batches_under_way_are_both_doubted(&bench()).await;
    interrupted::an_id_that_comes_twice_counts_once(&bench()).await;
    interrupted::doubt_outlives_a_second_crash(&bench()).await;
    interrupted::doubt_passes_to_the_next_job_of_the_route(&bench()).await;
    interrupted::a_settled_batch_is_not_doubted(&bench()).await;
    interrupted::no_more_are_doubted_than_were_ever_under_way(&bench()).await;
    interrupted::a_lane_that_is_done_leaves_no_doubt(&bench()).await;
    interrupted::a_lane_goes_on_where_it_stood(&bench()).await;
    interrupted::a_page_that_is_read_again_counts_once(&bench()).await;
    interrupted::a_failure_is_taken_back(&bench()).await;
    interrupted::a_failed_job_tries_again_what_failed(&bench()).await;
}

async fn reports(bench: impl Fn() -> Bench) {
    history::losses_and_failures_are_read_in_pages(&bench()).await;
    history::lanes_are_found_by_what_their_records_lost(&bench()).await;
    history::events_are_noted_but_for_ticks(&bench()).await;
    history::projects_show_their_last_stage(&bench()).await;
    history::a_lane_that_is_not_carried_is_one_loss(&bench()).await;
    history::lanes_come_in_load_order(&bench()).await;
}
