//! Which branch of a wiki is shown.
//!
//! The server shows one branch, its own default, and makes it with the page that makes room. A
//! wiki that arrives on another branch would stay unseen: its tip becomes that of the shown one.

use super::{GiteaSink, Path};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use packhorse_core::{HostError, HostErrorKind};
use packhorse_net::{Body, Request};

/// What the server may answer, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// A pack without objects: its head, and the SHA-1 of that.
///
/// Source: Git, `Documentation/gitformat-pack.adoc`.
const EMPTY_PACK: &[u8] = b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";

/// Branches that a server tells of, with their tips.
fn branches(told: &str) -> Vec<(String, String)> {
    let lines = told.lines().filter_map(|line| {
        let line = line.split('\0').next()?;
        let (head, name) = line.split_once(" refs/heads/")?;
        // What stands before the id are lengths of lines.
        let id = head.get(head.len().checked_sub(40)?..)?;
        let is_id = id.bytes().all(|it| it.is_ascii_hexdigit());
        is_id.then(|| (name.to_owned(), id.to_owned()))
    });
    lines.collect()
}

/// A line with its length before it.
fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

impl GiteaSink {
    /// Shows the branch that arrived, where it is not the one that the server shows.
    pub(super) async fn show_wiki(&self, path: Path<'_>, page: &str) -> Result<(), HostError> {
        let operation = "show the wiki that arrived";
        let fail = |error| HostError::new(HostErrorKind::Rejected, operation).because(error);
        let at = |rest: &str| {
            let home = self.api.place.home.as_str();
            let text = format!("{home}{}/{}.wiki.git/{rest}", path.owner, path.name);
            text.parse::<url::Url>().map_err(fail)
        };
        let request = Request::get(at("info/refs?service=git-receive-pack")?, operation);
        let answer = self.api.transport.send(request).await?.success().await?;
        let told = answer.bytes(MAX_ANSWER).await?;
        let all = branches(&String::from_utf8_lossy(&told));
        // What is shown is still the page that nobody wrote, and one other branch arrived.
        let shown = all.iter().find(|(_, tip)| tip == page);
        let arrived = all.iter().find(|(_, tip)| tip != page);
        let (Some((name, old)), Some((_, new)), 2) = (shown, arrived, all.len()) else {
            return Ok(());
        };
        let command = line(&format!("{old} {new} refs/heads/{name}\0 report-status\n"));
        let body = [command.as_bytes(), b"0000", EMPTY_PACK].concat();
        let media = HeaderValue::from_static("application/x-git-receive-pack-request");
        let mut request = Request::new(Method::POST, at("git-receive-pack")?, operation)
            .header(header::CONTENT_TYPE, media);
        request.body = Body::Bytes(Bytes::from(body));
        self.api.transport.send(request).await?.success().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_read_out_of_what_a_server_tells() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let told = format!(
            "001f# service=git-receive-pack\n000000a0{a} refs/heads/main\0report-status\n\
             003d{b} refs/heads/master\n003e{b} refs/tags/v1\n0000"
        );

        let found = branches(&told);

        assert_eq!(found, [("main".to_owned(), a), ("master".to_owned(), b)]);
    }

    #[test]
    fn a_line_begins_with_its_length() {
        assert_eq!(line("hello\n"), "000ahello\n");
    }
}
