//! A store that holds some of every kind goes into each format: what the format has no place for
//! is told beforehand, and nothing else is lost.

use crate::bench::Bench;
use futures::stream;
use packhorse_core::{
    Access, Carriage, Location, Object, ObjectKind, OpenContext, Record, Scope,
    model::Blob,
    port::{BlobRef, Sink},
};
use packhorse_testkit::samples;

/// Records of each kind: enough for every variant that the samples have.
const EACH: u64 = 24;

/// Fills a store below the bench.
fn fill(bench: &Bench) {
    let location: Location = format!("local:{}", bench.path("one").display()).parse().unwrap();
    let scratch = bench.path("scratch");
    let context = OpenContext { scratch, access: Access::Write, resume: false };
    let spec = packhorse_hosts::named("local").unwrap();
    let endpoint = (spec.open)(&location, &context).unwrap();
    let sink = endpoint.sink.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let project = samples::project_at("acme/app");
        put(&*sink, &Scope::Project("acme/app".into()), project).await;
        for &kind in ObjectKind::ALL {
            if kind == ObjectKind::Project || kind.carriage() == Carriage::Git {
                continue;
            }
            for n in 1..=EACH {
                put(&*sink, &samples::scope(kind, n), samples::sample(kind, n)).await;
            }
        }
        sink.finish(&Scope::Project("acme/app".into())).await.unwrap();
        sink.finish(&Scope::Shared).await.unwrap();
    });
}

async fn put(sink: &dyn Sink, scope: &Scope, record: Record) {
    let blob = if let Object::Attachment(it) = &record.object {
        Some(&it.blob)
    } else if let Object::LfsObject(it) = &record.object {
        Some(&it.blob)
    } else if let Object::ReleaseAsset(it) = &record.object {
        it.blob.as_ref()
    } else {
        None
    };
    if let Some(Blob { size: Some(size), sha256: Some(sha256) }) = blob {
        let mut all = (0..30).chain(10_000..10_030).chain(20_000..20_030).map(samples::bytes);
        let bytes = all.find(|it| samples::sha256(it) == *sha256).unwrap();
        let reference = BlobRef {
            scope: scope.clone(),
            origin: record.origin.clone(),
            size: Some(*size),
            sha256: Some(sha256.clone()),
        };
        let bytes = stream::iter([Ok(bytes.into())]);
        sink.save(&reference, Box::pin(bytes)).await.unwrap();
    }
    sink.write(scope, &record, None).await.unwrap();
}

#[track_caller]
fn check(format: &str) {
    let bench = Bench::new();
    fill(&bench);

    let ran = bench.run(&format!("migrate local:one {format}"));

    assert_eq!(ran.status, Some(0), "{ran}");
}

#[test]
fn into_githubs_format() {
    check("github-archive:all.tar.gz");
}

#[test]
fn into_gitlabs_format() {
    check("gitlab-archive:all.tar.gz");
}

#[test]
fn into_bitbuckets_format() {
    check("bitbucket-archive:all.tar");
}

#[test]
fn into_giteas_dumps() {
    check("gitea-dump:all");
}

#[test]
fn into_our_format() {
    check("packhorse-archive:all.packhorse");
}

#[test]
fn into_another_store() {
    check("local:two");
}
