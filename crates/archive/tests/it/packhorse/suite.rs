//! The shared suites.

use crate::ends::Fresh;
use packhorse_archive::packhorse::SPEC;
use packhorse_testkit::suite;

#[tokio::test]
async fn the_archive_keeps_the_contract_of_sinks_and_sources() {
    suite::sink(async || Fresh::new(&SPEC, "a.packhorse", |_| true)).await;
}
