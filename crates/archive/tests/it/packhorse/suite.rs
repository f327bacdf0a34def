//! The shared suites.

use super::Archive;
use async_trait::async_trait;
use packhorse_core::{
    Scope,
    port::{Sink, Source},
};
use packhorse_testkit::suite::{self, Place};
use std::sync::Arc;

struct Fresh {
    archive: Archive,
    sink: Arc<dyn Sink>,
}

#[async_trait]
impl Place for Fresh {
    fn sink(&self) -> Arc<dyn Sink> {
        self.sink.clone()
    }

    async fn source(&self) -> Arc<dyn Source> {
        self.sink.finish(&Scope::Shared).await.unwrap();
        self.archive.source()
    }
}

#[tokio::test]
async fn the_archive_keeps_the_contract_of_sinks_and_sources() {
    suite::sink(async || {
        let archive = Archive::new();
        let sink = archive.sink(false);
        Fresh { archive, sink }
    })
    .await;
}
