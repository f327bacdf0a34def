//! What every source must do, whatever it holds.

use super::places::{blob_of, explain, lanes, read_blob, walk};
use crate::samples::sha256;
use packhorse_core::{
    Carriage, HostError, HostErrorKind, Lane, ObjectKind, RepoKind, Scope,
    port::{Page, Source},
};

/// Walks everything that a source holds and holds it against the contract.
///
/// # Panics
///
/// When the source breaks it.
pub async fn source(source: &dyn Source) {
    probing_changes_nothing(source).await;
    let mut scopes = vec![Scope::Shared];
    let projects = walk(source, &Lane::new(Scope::Shared, ObjectKind::Project)).await;
    scopes.extend(projects.into_iter().map(|it| Scope::Project(it.origin.id)));
    for scope in &scopes {
        the_inventory_is_what_is_read(source, scope).await;
        numbers_ascend(source, scope).await;
        blobs_open_at_any_byte(source, scope).await;
    }
    an_unknown_project_is_empty_or_not_found(source).await;
}

async fn probing_changes_nothing(source: &dyn Source) {
    let (one, two) = (source.probe().await, source.probe().await);
    let one = one.unwrap_or_else(|error| panic!("probe: {}", explain(&error)));
    let two = two.unwrap_or_else(|error| panic!("probe: {}", explain(&error)));

    assert_eq!(one.identity, two.identity);
    assert_eq!(one.version, two.version, "nothing has changed");
    assert!(!one.identity.is_empty(), "an endpoint has a name");
}

async fn the_inventory_is_what_is_read(source: &dyn Source, scope: &Scope) {
    let inventory = source.inventory(scope).await;
    let inventory = inventory.unwrap_or_else(|error| panic!("{scope}: {}", explain(&error)));
    let promised = source.probe().await.expect("it was probed before");

    for lane in lanes(scope) {
        let records = walk(source, &lane).await;
        let is_supported = promised.of(lane.kind).is_some();
        assert!(is_supported || records.is_empty(), "{lane}: not promised, and there");
        if let Some(told) = inventory.records(lane.kind) {
            let is_own = lane.kind == ObjectKind::Project && scope.project().is_some();
            assert!(
                is_own || told == records.len() as u64,
                "{lane}: {told} are not {}",
                records.len()
            );
        }
    }
    let mut kinds: Vec<_> = inventory.counts.iter().map(|it| it.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), inventory.counts.len(), "{scope}: one row for a kind");
}

async fn numbers_ascend(source: &dyn Source, scope: &Scope) {
    for kind in [ObjectKind::Issue, ObjectKind::ChangeRequest] {
        let records = walk(source, &Lane::new(scope.clone(), kind)).await;
        let numbers: Vec<u64> = records.iter().filter_map(|it| it.origin.id.parse().ok()).collect();
        assert!(numbers.is_sorted(), "{kind} of {scope}: {numbers:?}");
    }
}

async fn blobs_open_at_any_byte(source: &dyn Source, scope: &Scope) {
    let lanes = lanes(scope).into_iter().filter(|it| it.kind.carriage() == Carriage::Blob);
    for lane in lanes {
        for record in walk(source, &lane).await {
            let Some(blob) = blob_of(scope, &record) else { continue };
            let whole = read_blob(source, &blob, 0).await;
            let whole = whole.unwrap_or_else(|error| panic!("{lane}: {}", explain(&error)));
            let size = whole.len() as u64;

            assert!(blob.size.is_none_or(|it| it == size), "{}: {size} bytes", record.origin);
            let (hash, told) = (sha256(&whole), blob.sha256.as_ref());
            assert!(told.is_none_or(|it| *it == hash), "{}: is {hash}", record.origin);
            for from in [size / 2, size.saturating_sub(1), size] {
                let rest = read_blob(source, &blob, from).await.expect("it opens at any byte");
                assert_eq!(rest, whole[from as usize..], "{}: from {from}", record.origin);
            }
        }
    }
}

async fn an_unknown_project_is_empty_or_not_found(source: &dyn Source) {
    let scope = Scope::Project("nobody/has-this".to_owned());
    let mut answers = Vec::new();

    for lane in lanes(&scope) {
        answers.push(is_missing(source.read(&lane, None).await, &lane));
    }

    answers.dedup();
    assert_eq!(answers.len(), 1, "every kind of an unknown project answers alike");
    for repo in [RepoKind::Code, RepoKind::Wiki] {
        match source.remote("nobody/has-this", repo).await {
            Ok(remote) => assert_eq!(remote, None),
            Err(error) => assert_eq!(error.kind, HostErrorKind::NotFound, "{}", explain(&error)),
        }
    }
}

/// Whether the project was said to be missing rather than empty.
fn is_missing(answer: Result<Page, HostError>, lane: &Lane) -> bool {
    match answer {
        Ok(page) => {
            assert!(page.records.is_empty(), "{lane}: has records");
            assert_eq!(page.next, None, "{lane}: goes on");
            false
        }
        Err(error) => {
            assert_eq!(error.kind, HostErrorKind::NotFound, "{lane}: {}", explain(&error));
            true
        }
    }
}
