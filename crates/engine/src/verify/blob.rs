//! Bytes, read again and hashed again.

use crate::error::chain;
use data_encoding::HEXLOWER;
use futures::StreamExt as _;
use packhorse_core::{
    Object, Record, Scope,
    model::Blob,
    port::{BlobRef, Source},
};
use sha2::{Digest, Sha256};

/// Declares one way to the bytes of a record; the two differ only in whether they may be changed.
macro_rules! blob_of {
    ($name:ident, $as:ident $(, $mutable:tt)?) => {
        /// The bytes that belong to a record, where it has any.
        pub(crate) fn $name(object: &$($mutable)? Object) -> Option<&$($mutable)? Blob> {
            match object {
                Object::LfsObject(it) => Some(&$($mutable)? it.blob),
                Object::Attachment(it) => Some(&$($mutable)? it.blob),
                Object::ReleaseAsset(it) => it.blob.$as(),
                Object::User(_)
                | Object::Organization(_)
                | Object::Team(_)
                | Object::Project(_)
                | Object::Member(_)
                | Object::Topic(_)
                | Object::Repository(_)
                | Object::Wiki(_)
                | Object::Label(_)
                | Object::Milestone(_)
                | Object::Issue(_)
                | Object::ChangeRequest(_)
                | Object::Review(_)
                | Object::ReviewThread(_)
                | Object::ReviewComment(_)
                | Object::DiscussionCategory(_)
                | Object::Discussion(_)
                | Object::Snippet(_)
                | Object::CommitComment(_)
                | Object::Comment(_)
                | Object::Reaction(_)
                | Object::Event(_)
                | Object::CommitStatus(_)
                | Object::Release(_)
                | Object::Board(_)
                | Object::BranchRule(_)
                | Object::TagRule(_)
                | Object::Webhook(_)
                | Object::DeployKey(_)
                | Object::Variable(_)
                | Object::State(_) => None,
            }
        }
    };
}

blob_of!(blob_of, as_ref);
blob_of!(blob_of_mut, as_mut, mut);

/// The record with the size and hash of its bytes, where it does not say them itself.
///
/// Bytes that cannot be read leave it as it is: the other end will differ.
pub(super) async fn completed(end: &dyn Source, scope: &Scope, mut record: Record) -> Record {
    let Some(blob) = blob_of(&record.object) else { return record };
    if blob.size.is_some() && blob.sha256.is_some() {
        return record;
    }
    let bytes = read(end, scope, &record, blob).await;
    if let (Ok((size, sha256)), Some(blob)) = (bytes, blob_of_mut(&mut record.object)) {
        *blob = Blob { size: Some(size), sha256: Some(sha256) };
    }
    record
}

/// Size and SHA-256 of a record's bytes, or why they cannot be told.
pub(super) async fn read(
    end: &dyn Source,
    scope: &Scope,
    record: &Record,
    blob: &Blob,
) -> Result<(u64, String), String> {
    let place = BlobRef {
        scope: scope.clone(),
        origin: record.origin.clone(),
        size: blob.size,
        sha256: blob.sha256.clone(),
    };
    let unreadable = |error| format!("its bytes cannot be read: {}", chain(&error));
    let mut stream = end.open(&place, 0).await.map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    while let Some(piece) = stream.next().await {
        let piece =
            piece.map_err(|error| format!("its bytes end after {size}: {}", chain(&error)))?;
        size += piece.len() as u64;
        hash.update(&piece);
    }
    Ok((size, HEXLOWER.encode(&hash.finalize())))
}

/// What is wrong with bytes of that size and hash.
pub(super) fn wrong(blob: &Blob, size: u64, sha256: &str) -> Option<String> {
    if let Some(expected) = blob.size.filter(|it| *it != size) {
        return Some(format!("it has {size} bytes instead of {expected}"));
    }
    let expected = blob.sha256.as_deref().filter(|it| !it.eq_ignore_ascii_case(sha256))?;
    Some(format!("its SHA-256 is {sha256} instead of {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_hash_have_to_agree_where_they_are_known() {
        let blob = Blob { size: Some(2), sha256: Some("AB".into()) };

        assert_eq!(wrong(&blob, 2, "ab"), None);
        assert_eq!(wrong(&Blob::default(), 9, "cd"), None);
        assert_eq!(wrong(&blob, 3, "ab").as_deref(), Some("it has 3 bytes instead of 2"));
        assert_eq!(wrong(&blob, 2, "cd").as_deref(), Some("its SHA-256 is cd instead of AB"));
    }
}
