//! Files of releases, as downloads of the repository.
//!
//! A file comes before the record that names it, so it waits in the scratch
//! directory, and goes from there into the form that the API wants.

use super::{CloudSink, Done, Path, is_refusal, words};
use crate::{bitbucket_cloud::map::settings::DOWNLOADS, kept::pieces};
use bytes::Bytes;
use futures::{StreamExt, stream};
use packhorse_core::{
    HostError, HostErrorKind, Loss, Record, model::ReleaseAsset, port::ByteStream,
};
use std::io;

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

fn failed(error: io::Error) -> HostError {
    HostError::new(HostErrorKind::Unavailable, "read a file that was kept").because(error)
}

impl CloudSink {
    pub(super) async fn write_download(
        &self,
        path: Path<'_>,
        record: &Record,
        it: &ReleaseAsset,
    ) -> Result<Done, HostError> {
        if it.link.is_some() && it.blob.is_none() {
            let why = "a link is no file to be offered";
            return Ok(Done::dropped_for(&record.origin.id, "link", why));
        }
        let name = name_of(it);
        let waiting = self.files.take(&path.to_string(), &record.origin);
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
        let file = tokio::fs::File::open(&**waiting).await.map_err(failed)?;
        let size = file.metadata().await.map_err(failed)?.len();
        let length = head.len() as u64 + size + tail.len() as u64;
        let form = http::HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
        let form = form
            .map_err(|error| HostError::new(HostErrorKind::Rejected, operation).because(error))?;
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
