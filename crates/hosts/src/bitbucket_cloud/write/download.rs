//! Files of releases, as downloads of the repository.
//!
//! A file comes before the record that names it, so it waits in the scratch
//! directory, and goes from there into the form that the API wants.

use super::{CloudSink, Done, Path, is_refusal, words};
use crate::bitbucket_cloud::map::settings::DOWNLOADS;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    HostError, HostErrorKind, Loss, Origin, Record, Scope,
    model::ReleaseAsset,
    port::{BlobRef, ByteStream},
};
use sha2::{Digest, Sha256};
use std::{io, sync::PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// A file that waits for its record.
#[derive(Debug)]
pub(super) struct Waiting {
    path: tempfile::TempPath,
    size: u64,
}

/// How a file of a release is named among all downloads.
pub(super) fn name_of(it: &ReleaseAsset) -> String {
    let plain = |it: &str| it.replace(['/', '\\', '"', '\r', '\n', '\0'], "_");
    let name = plain(&it.name);
    let whole = match it.release.as_str() {
        DOWNLOADS | "" => name,
        tag => format!("{}-{name}", plain(tag)),
    };
    // SECURITY: these would be another address.
    if matches!(whole.as_str(), "" | "." | "..") { "download".to_owned() } else { whole }
}

fn key(scope: &Scope, origin: &Origin) -> String {
    format!("{}\n{origin}", scope.key())
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> HostError {
    HostError::new(HostErrorKind::Unavailable, "keep a file in the scratch directory")
        .because(error)
}

impl CloudSink {
    /// Keeps a file until its record is written.
    pub(super) async fn keep(
        &self,
        blob: &BlobRef,
        mut bytes: ByteStream,
    ) -> Result<(), HostError> {
        std::fs::create_dir_all(&self.scratch).map_err(failed)?;
        let (file, path) =
            tempfile::NamedTempFile::new_in(&self.scratch).map_err(failed)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let (mut size, mut hash) = (0, Sha256::new());
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(failed)?;
            size += piece.len() as u64;
            if blob.size.is_some_and(|told| size > told) {
                break;
            }
            hash.update(&piece);
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        let hash: String = hash.finalize().iter().map(|it| format!("{it:02x}")).collect();
        let is_told = blob.size.is_none_or(|it| it == size)
            && blob.sha256.as_ref().is_none_or(|it| *it == hash);
        if !is_told {
            return Err(HostError::new(HostErrorKind::Rejected, "store a file")
                .with("file", &blob.origin)
                .with("reason", "its bytes are not the ones that were announced"));
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(key(&blob.scope, &blob.origin), Waiting { path, size });
        Ok(())
    }

    pub(super) async fn write_download(
        &self,
        path: Path<'_>,
        scope: &Scope,
        record: &Record,
        it: &ReleaseAsset,
    ) -> Result<Done, HostError> {
        if it.link.is_some() && it.blob.is_none() {
            let why = "a link is no file to be offered";
            return Ok(Done::dropped_for(&record.origin.id, "link", why));
        }
        let name = name_of(it);
        let waiting = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.remove(&key(scope, &record.origin))
        };
        let mut losses = Vec::new();
        if it.release != DOWNLOADS {
            losses.push(Loss::sink(
                "release",
                "downloads belong to no release; the tag is in the name",
            ));
        }
        if name != it.name {
            losses.push(Loss::sink("name", format!("is offered as {name}")));
        }
        let Some(waiting) = waiting else {
            // It was handed in before, and only its words have changed.
            return Ok(Done::new(name, None).with(losses));
        };
        let operation = "hand in a download";
        let boundary = format!("packhorse-{}", uuid::Uuid::now_v7().simple());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let length = head.len() as u64 + waiting.size + tail.len() as u64;
        let form = http::HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
        let form = form
            .map_err(|error| HostError::new(HostErrorKind::Rejected, operation).because(error))?;
        let file = tokio::fs::File::open(&waiting.path).await.map_err(failed)?;
        let ends = |text: String| stream::iter([Ok::<_, io::Error>(Bytes::from(text))]);
        let body: ByteStream = Box::pin(ends(head).chain(pieces(file)).chain(ends(tail)));
        let below = path.below(&["downloads"]);
        match self.api.upload(&below, (form, length), body, operation).await {
            Ok(()) => Ok(Done::new(name, None).with(losses)),
            Err(error) if is_refusal(&error) => Ok(Done::dropped(name, words(&error))),
            Err(error) => Err(error),
        }
    }
}

/// The bytes of a file, a piece at a time.
fn pieces(file: tokio::fs::File) -> impl futures::Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok((count > 0).then(|| (Bytes::from(piece), file)))
    })
    .into_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_release_and_are_no_addresses() {
        let asset = |release: &str, name: &str| ReleaseAsset {
            release: release.into(),
            name: name.into(),
            ..ReleaseAsset::default()
        };

        assert_eq!(name_of(&asset("v1/2", "app.zip")), "v1_2-app.zip");
        assert_eq!(name_of(&asset(DOWNLOADS, "app.zip")), "app.zip");
        assert_eq!(name_of(&asset("", "..")), "download");
        assert_eq!(name_of(&asset("", "a\"\r\nb")), "a___b");
    }
}
