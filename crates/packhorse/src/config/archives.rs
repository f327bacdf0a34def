//! The key by which a host fetches archives from a bucket of somebody's own.

use super::secret::Reference;
use crate::error::AppError;
use packhorse_core::{Secret, port::BucketObject};
use serde::Deserialize;

/// `archives-key = { id = "…", secret = { env = "…" }, region = "eu-central-1" }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) id: String,
    /// Where its secret part is.
    pub(super) secret: Reference,
    /// Region of the bucket.
    pub(super) region: String,
}

/// A key of S3 that a host is told.
#[derive(Debug)]
pub(crate) struct ArchivesKey {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) region: String,
}

impl ArchivesKey {
    /// The object at an address such as `s3://bucket/place/name`, opened by this key.
    pub(crate) fn object(&self, address: &str) -> Result<BucketObject, AppError> {
        let parts = address.strip_prefix("s3://").and_then(|it| it.split_once('/'));
        let (bucket, name) = parts.ok_or_else(|| {
            AppError::usage(format!("`{address}` is in no bucket of S3"))
                .hint("a host that fetches archives by a key takes them from S3 alone")
        })?;
        Ok(BucketObject {
            region: self.region.clone(),
            bucket: bucket.to_owned(),
            name: name.to_owned(),
            key_id: self.id.clone(),
            key: self.secret.clone(),
        })
    }
}
