//! Storms strike where they say.

use bytes::Bytes;
use futures::StreamExt;
use packhorse_core::{
    HostErrorKind, Lane, ObjectKind, Scope,
    port::{BlobRef, ByteStream, Sink, Source},
};
use packhorse_testkit::{
    chaos::{ChaosSink, ChaosSource, Fault, Method, Storm},
    memory::MemoryHost,
    samples,
};
use std::sync::Arc;

fn app() -> Scope {
    Scope::Project("acme/app".into())
}

fn blob(n: u64) -> BlobRef {
    let origin = samples::sample(ObjectKind::Attachment, n).origin;
    BlobRef { scope: app(), origin, size: None, sha256: None }
}

fn stream(bytes: &[u8]) -> ByteStream {
    Box::pin(futures::stream::iter([Ok(Bytes::copy_from_slice(bytes))]))
}

#[tokio::test]
async fn a_lost_answer_is_a_write_that_happened() {
    let host = MemoryHost::default();
    let storm = Storm::of([Fault::lost_answer(2), Fault::refused(Method::Write, 3)]).yielding(2);
    let sink = ChaosSink::new(Arc::new(host.clone()), storm.clone());

    let mut answers = Vec::new();
    for n in 0..4 {
        let record = samples::sample(ObjectKind::Label, n);
        answers.push(sink.write(&app(), &record, None).await.map_err(|error| error.kind).err());
    }

    let down = Some(HostErrorKind::Unavailable);
    assert_eq!(answers, [None, down, down, None]);
    assert_eq!(host.stored(&Lane::new(app(), ObjectKind::Label)).len(), 3);
    assert_eq!(storm.struck().len(), 2);
    assert_eq!(storm.calls(Method::Write), 4);
}

#[tokio::test]
async fn a_stream_is_cut_where_it_was_said() {
    let host = MemoryHost::default();
    host.put_blob(&app(), &blob(1).origin, &samples::bytes(1));
    let storm = Storm::of([Fault::cut(Method::Open, 1, 100)]);
    let source = ChaosSource::new(Arc::new(host), storm);

    let mut first = source.open(&blob(1), 0).await.unwrap();
    let (mut read, mut failed) = (0, false);
    while let Some(piece) = first.next().await {
        match piece {
            Ok(bytes) => read += bytes.len(),
            Err(_) => failed = true,
        }
    }

    assert_eq!((read, failed), (100, true));
    let second = source.open(&blob(1), 0).await.unwrap();
    assert!(second.all(|it| std::future::ready(it.is_ok())).await);
}

#[tokio::test]
async fn a_stream_that_is_cut_on_its_way_in_leaves_nothing() {
    let host = MemoryHost::default();
    let storm = Storm::of([Fault::cut(Method::Save, 1, 10)]);
    let sink = ChaosSink::new(Arc::new(host.clone()), storm);

    assert!(sink.save(&blob(1), stream(&samples::bytes(1))).await.is_err());
    assert_eq!(host.blob(&app(), &blob(1).origin), None);

    sink.save(&blob(1), stream(&samples::bytes(1))).await.unwrap();
    assert_eq!(host.blob(&app(), &blob(1).origin), Some(samples::bytes(1)));
}

async fn outcomes(seed: u64) -> Vec<bool> {
    let storm = Storm::random(seed, 4);
    let sink = ChaosSink::new(Arc::new(MemoryHost::default()), storm);
    let mut list = Vec::new();
    for n in 0..100 {
        let record = samples::sample(ObjectKind::Label, n);
        list.push(sink.write(&app(), &record, None).await.is_ok());
    }
    list
}

#[tokio::test]
async fn the_same_seed_is_the_same_storm() {
    let one = outcomes(7).await;

    assert_eq!(one, outcomes(7).await);
    assert_ne!(one, outcomes(8).await);
    let failed = one.iter().filter(|it| !**it).count();
    assert!((10..=40).contains(&failed), "{failed} of 100");
}

#[tokio::test]
async fn after_the_storm_all_is_well() {
    let storm = Storm::random(7, 1);
    let source = ChaosSource::new(Arc::new(MemoryHost::default()), storm.clone());
    assert!(source.probe().await.is_err());

    storm.calm();

    assert!(source.probe().await.is_ok());
}
