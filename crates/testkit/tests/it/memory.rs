//! The host in memory keeps the contracts that it tests others by.

use async_trait::async_trait;
use packhorse_core::{
    Gap, Settle, Support,
    port::{Sink, Source},
};
use packhorse_testkit::{
    memory::{MemoryHost, MemoryOptions},
    suite::{self, Place},
};
use std::sync::Arc;

struct InMemory(MemoryHost);

#[async_trait]
impl Place for InMemory {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(self.0.clone())
    }

    async fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.0.clone())
    }
}

async fn check(options: MemoryOptions) {
    suite::sink(async || InMemory(MemoryHost::new(options.clone()))).await;
}

#[tokio::test]
async fn a_host_that_keeps_ids_and_settles_by_page_keeps_the_contract() {
    check(MemoryOptions { page_size: 500, ..MemoryOptions::default() }).await;
}

#[tokio::test]
async fn a_host_with_ids_of_its_own_that_settles_by_record_keeps_the_contract() {
    let settle = Settle::Record;
    check(MemoryOptions { own_ids: true, settle, page_size: 1000, ..MemoryOptions::default() })
        .await;
}

#[tokio::test]
async fn a_host_with_gaps_keeps_the_contract() {
    const GAPS: &[Gap] = &[Gap { field: "author", why: "there is no place for it" }];
    let support = |_| Support::Partial(GAPS);

    check(MemoryOptions { support, page_size: 1000, ..MemoryOptions::default() }).await;
}
