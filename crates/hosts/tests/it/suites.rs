//! The suite that every host of whole projects must pass.
//!
//! A repository alone cannot: it answers for its one project under any path.

use crate::place::Place;
use async_trait::async_trait;
use packhorse_core::{
    Scope,
    port::{Sink, Source},
};
use packhorse_testkit::suite;
use std::sync::Arc;

/// A store that is opened anew to be read back.
struct Store {
    place: Place,
    sink: Arc<dyn Sink>,
}

#[async_trait]
impl suite::Place for Store {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        for path in ["acme/app", "acme/a", "acme/b"] {
            self.sink.finish(&Scope::Project(path.into())).await.unwrap();
        }
        self.sink.finish(&Scope::Shared).await.unwrap();
        self.place.source()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_the_contract_of_a_sink() {
    suite::sink(async || {
        let place = Place::new();
        let sink = place.sink();
        Store { place, sink }
    })
    .await;
}
