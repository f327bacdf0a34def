//! Bytes beside a record: opened at the source, stored at the destination, before the record.

use super::Carrier;
use crate::verify::blob_of;
use futures::StreamExt;
use packhorse_core::{
    HostError, HostErrorKind, Lane, Loss, Record, Scope,
    port::{BlobRef, ByteStream},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

impl Carrier<'_> {
    /// Carries a record's bytes; how many.
    ///
    /// Bytes that the source does not have make the record arrive without them, and a loss.
    pub(super) async fn blob(
        &self,
        lane: &Lane,
        target: &Scope,
        record: &mut Record,
    ) -> Result<u64, HostError> {
        let Some(blob) = blob_of(&record.object) else { return Ok(0) };
        let (size, sha256) = (blob.size, blob.sha256.clone());
        let origin = record.origin.clone();
        let reference = |scope: &Scope| BlobRef {
            scope: scope.clone(),
            origin: origin.clone(),
            size,
            sha256: sha256.clone(),
        };
        let bytes = match self.run.ends.source.open(&reference(&lane.scope), 0).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind == HostErrorKind::NotFound => {
                record.losses.push(Loss::source("blob", crate::error::chain(&error)));
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        let counter = Arc::new(AtomicU64::new(0));
        self.run.ends.sink.save(&reference(target), counted(bytes, counter.clone())).await?;
        Ok(counter.load(Ordering::Relaxed))
    }
}

fn counted(bytes: ByteStream, counter: Arc<AtomicU64>) -> ByteStream {
    Box::pin(bytes.inspect(move |piece| {
        if let Ok(piece) = piece {
            counter.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    }))
}
