//! The bytes of attachments and of files of releases.

use super::GitlabSource;
use crate::named::Named;
use packhorse_core::{
    HostError, HostErrorKind, Object, ObjectKind, Record,
    port::{BlobRef, ByteStream},
};

const OPERATION: &str = "open a file";
fn not_there(id: &str) -> HostError {
    HostError::new(HostErrorKind::NotFound, OPERATION).with("file", id)
}

/// The records of files whose first place this is.
pub(super) fn named_first(named: &Named, project: &str, mut records: Vec<Record>) -> Vec<Record> {
    records.retain(|record| {
        let Object::Attachment(file) = &record.object else { return true };
        named.is_first((project, &record.origin.id), &file.subject)
    });
    records
}

impl GitlabSource {
    /// Whether the server itself keeps what an address leads to, where the token opens it: files of
    /// packages, and uploads.
    pub(super) fn is_kept(&self, project: &str, url: &str) -> bool {
        let home = self.api.place.home.as_str();
        url.strip_prefix(home).is_some_and(|rest| {
            rest.starts_with("api/v4/projects/") && rest.contains("/packages/")
                || upload_in(project, rest).is_some()
        })
    }

    pub(super) async fn open_blob(
        &self,
        blob: &BlobRef,
        from: u64,
    ) -> Result<ByteStream, HostError> {
        let id = &blob.origin.id;
        let project = blob.scope.project().ok_or_else(|| not_there(id))?;
        if blob.origin.kind == ObjectKind::ReleaseAsset {
            return self.open_asset(project, id, from).await;
        }
        let parts = id.split_once('/').ok_or_else(|| not_there(id))?;
        self.open_upload(project, parts, from).await
    }

    /// An upload: by the API since version 17.4, before that as browsers do.
    async fn open_upload(
        &self,
        project: &str,
        (secret, name): (&str, &str),
        from: u64,
    ) -> Result<ByteStream, HostError> {
        // In texts it is escaped.
        let name = percent_decoded(name);
        let path = ["projects", project, "uploads", secret, name.as_str()];
        match self.api.open(&path, from).await {
            Err(error) if error.kind == HostErrorKind::NotFound => {
                let mut path: Vec<&str> = project.split('/').collect();
                path.extend(["uploads", secret, name.as_str()]);
                self.api.open_page(&path, from).await
            }
            other => other,
        }
    }

    async fn open_asset(
        &self,
        project: &str,
        id: &str,
        from: u64,
    ) -> Result<ByteStream, HostError> {
        let (link, tag) = id.split_once('/').ok_or_else(|| not_there(id))?;
        let path = ["projects", project, "releases", tag, "assets", "links", link];
        let link: super::wire::AssetLink =
            self.api.get(&path, &[], "find a file of a release").await?;
        let url = link.url.filter(|it| self.is_kept(project, it)).ok_or_else(|| not_there(id))?;
        let rest = url.strip_prefix(self.api.place.home.as_str()).unwrap_or_default();
        if let Some((secret, name)) = upload_in(project, rest) {
            return self.open_upload(project, (secret, name), from).await;
        }
        let url = url.parse().map_err(|_| not_there(id))?;
        self.api.open_at(url, from).await
    }
}

/// The secret and the name of an upload of the project, in an address below the first page.
fn upload_in<'a>(project: &str, rest: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = rest.strip_prefix(project)?.trim_start_matches("/-");
    let (secret, name) = rest.strip_prefix("/uploads/")?.split_once('/')?;
    (secret.bytes().all(|it| it.is_ascii_hexdigit()) && !name.contains('/'))
        .then_some((secret, name))
}

/// A name as it was before it was escaped for an address.
fn percent_decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Attachment, Subject};

    #[test]
    fn a_file_that_two_texts_name_is_one_wherever_reading_begins() {
        let named = Named::default();
        let file = |number| {
            let subject = Subject::Issue(number);
            Record::new("0a/x.png", Object::from(Attachment { subject, ..Attachment::default() }))
        };

        for _ in ["first", "again"] {
            assert_eq!(named_first(&named, "a/b", vec![file(7), file(9)]), [file(7)]);
        }
        assert_eq!(named_first(&named, "a/c", vec![file(9)]), [file(9)]);
    }

    #[test]
    fn names_lose_their_escapes() {
        assert_eq!(percent_decoded("b%20c.txt"), "b c.txt");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz"), "%zz");
    }

    #[test]
    fn an_upload_is_known_by_its_place() {
        assert_eq!(upload_in("a/b", "a/b/uploads/0a/x.txt"), Some(("0a", "x.txt")));
        assert_eq!(upload_in("a/b", "a/b/-/uploads/0a/x.txt"), Some(("0a", "x.txt")));
        assert_eq!(upload_in("a/b", "a/bc/uploads/0a/x.txt"), None);
        assert_eq!(upload_in("a/b", "a/b/uploads/0a/x/../y"), None);
    }
}
