//! Where a suite writes and reads back, and how it walks a lane.

use async_trait::async_trait;
use futures::TryStreamExt;
use packhorse_core::{
    Carriage, Cursor, HostError, Lane, Object, ObjectKind, Record, Scope,
    model::Blob,
    port::{BlobRef, Sink, Source},
};
use std::{collections::BTreeSet, sync::Arc};

/// A fresh place to write to, and to read back from.
#[async_trait]
pub trait Place: Send + Sync {
    /// The sink, the same on every call.
    fn sink(&self) -> Arc<dyn Sink>;

    /// Everything that was written, as a source; called once, after the last write.
    ///
    /// May finish the sink and open the place anew: an archive is complete then.
    async fn source(&self) -> Arc<dyn Source>;
}

/// Most records on a page. Source: the contract of [`packhorse_core::port::Page`].
const MAX_PAGE: usize = 1000;

/// Reads a lane to its end and holds every page against the contract.
///
/// # Panics
///
/// When a page is too long, comes out otherwise when it is asked for again, or when the lane does
/// not end or gives a record twice.
pub async fn walk(source: &dyn Source, lane: &Lane) -> Vec<Record> {
    let mut records = Vec::new();
    let mut cursors = BTreeSet::new();
    let mut at: Option<Cursor> = None;
    loop {
        let page = source.read(lane, at.as_ref()).await;
        let page = page.unwrap_or_else(|error| panic!("{lane}: {}", explain(&error)));
        assert!(page.records.len() <= MAX_PAGE, "{lane}: a page of {}", page.records.len());
        let again = source.read(lane, at.as_ref()).await.expect("the page can be read again");
        assert_eq!(again.records, page.records, "{lane}: the page after {at:?} changed");
        assert_eq!(again.next, page.next, "{lane}: the cursor after {at:?} changed");
        records.extend(page.records);
        let Some(next) = page.next else { break };
        assert!(cursors.insert(next.0.clone()), "{lane}: the cursor {next:?} came twice");
        at = Some(next);
    }
    let ids: BTreeSet<_> = records.iter().map(|it| &it.origin).collect();
    assert_eq!(ids.len(), records.len(), "{lane}: a record came twice");
    for record in &records {
        assert_eq!(record.origin.kind, lane.kind, "{lane}: {}", record.origin);
        assert_eq!(record.object.kind(), lane.kind, "{lane}: {}", record.origin);
    }
    records
}

/// Every lane that can have records in a scope; what travels as Git is no lane to read.
pub(super) fn lanes(scope: &Scope) -> Vec<Lane> {
    let fits = |kind: &ObjectKind| match scope {
        Scope::Shared => kind.is_shared() || *kind == ObjectKind::Project,
        Scope::Project(_) => kind.in_project(),
    };
    let kinds = ObjectKind::ALL.iter().copied().filter(fits);
    let records = kinds.filter(|kind| kind.carriage() != Carriage::Git);
    records.map(|kind| Lane::new(scope.clone(), kind)).collect()
}

/// The bytes that travel beside a record, as they are asked for.
pub(super) fn blob_of(scope: &Scope, record: &Record) -> Option<BlobRef> {
    let blob: &Blob = if let Object::Attachment(it) = &record.object {
        &it.blob
    } else if let Object::LfsObject(it) = &record.object {
        &it.blob
    } else if let Object::ReleaseAsset(it) = &record.object {
        it.blob.as_ref()?
    } else {
        return None;
    };
    Some(BlobRef {
        scope: scope.clone(),
        origin: record.origin.clone(),
        size: blob.size,
        sha256: blob.sha256.clone(),
    })
}

/// Reads a blob from an offset to its end.
pub(super) async fn read_blob(
    source: &dyn Source,
    blob: &BlobRef,
    from: u64,
) -> Result<Vec<u8>, HostError> {
    let stream = source.open(blob, from).await?;
    let add = |mut all: Vec<u8>, piece: bytes::Bytes| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    };
    let bytes = stream.try_fold(Vec::new(), add).await;
    Ok(bytes.unwrap_or_else(|error| panic!("{}: {error}", blob.origin)))
}

/// An error and what is underneath, for a panic's message.
pub(super) fn explain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
