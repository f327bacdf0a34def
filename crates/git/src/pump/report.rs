//! What became of each ref of a push.
//!
//! Source: git's gitprotocol-pack(5), "Report Status", of both versions.

use super::{advertisement::refusal, packet::PacketReader, remark::readable};
use crate::error::GitError;
use std::collections::BTreeMap;

/// Most refs that a report may tell of.
const MAX_LINES: usize = 10_000_000;

/// What became of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Why the pack was not taken, if it was not.
    pub(super) unpack: Option<String>,
    /// The server's reason by the full name of a ref that it refused.
    pub(super) refused: BTreeMap<String, String>,
}

impl Report {
    /// Reads a report up to its end.
    pub(super) async fn read(reader: &mut PacketReader) -> Result<Self, GitError> {
        let mut report = Self::default();
        let first = reader.expect().await?;
        match first.line().and_then(|it| it.strip_prefix(b"unpack ")) {
            Some(b"ok") => {}
            Some(reason) => report.unpack = Some(text(reason)),
            None => {
                first.line().map_or(Ok(()), |it| refusal(it, reader.place()))?;
                return Err(reader.place().nonsense("it does not report what became of the pack"));
            }
        }
        for _ in 0..MAX_LINES {
            // Some servers forget the flush.
            let Some(packet) = reader.next().await? else { return Ok(report) };
            let Some(line) = packet.line() else { return Ok(report) };
            if let Some(rest) = line.strip_prefix(b"ng ") {
                let rest = text(rest);
                let (name, reason) = rest.split_once(' ').unwrap_or((&rest, "refused"));
                report.refused.insert(name.to_owned(), reason.to_owned());
            } else if !line.starts_with(b"ok ") && !line.starts_with(b"option ") {
                let line = text(line);
                return Err(reader.place().nonsense(format!("it reports `{line}`")));
            }
        }
        Err(reader.place().nonsense("its report does not end"))
    }
}

fn text(bytes: &[u8]) -> String {
    readable(&String::from_utf8_lossy(bytes))
}

/// A server's reason for a refusal, in words that say what to do.
///
/// Source of the reasons: git's builtin/receive-pack.c; the remarks are the
/// host's own, and with hooks they are where it says why.
pub(super) fn explained(reason: &str, remarks: &str) -> String {
    let meaning = |text: &str| reason.contains(text);
    if meaning("hidden ref") {
        return format!("the destination keeps such refs for itself ({reason})");
    }
    let is_moved = ["fetch first", "stale info", "incorrect old value", "failed to update ref"];
    let is_moved = is_moved.iter().any(|it| meaning(it))
        || (meaning("cannot lock ref") && (meaning("but expected") || meaning("already exists")));
    if is_moved {
        return format!("somebody moved it at the destination meanwhile; run again ({reason})");
    }
    if meaning("non-fast-forward") {
        return format!("the destination refuses to rewind it, whatever we ask ({reason})");
    }
    if meaning("protected branch") || meaning("deletion") {
        return format!("the destination protects it; allow it there and run again ({reason})");
    }
    let told: Vec<&str> = remarks
        .lines()
        .map(str::trim)
        .filter(|it| it.chars().any(char::is_alphanumeric) && !it.contains('%'))
        .collect();
    let last = told.len().saturating_sub(12);
    match told[last..].join("; ") {
        told if told.is_empty() || !(meaning("hook") || meaning("declined")) => reason.to_owned(),
        told => format!("{reason}: {told}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::reader, *};
    use crate::pump::packet::put;
    use proptest::prelude::*;

    async fn read(lines: &[&str]) -> Result<Report, GitError> {
        let mut bytes = Vec::new();
        lines.iter().for_each(|it| put(&mut bytes, it));
        bytes.extend(b"0000");
        Report::read(&mut reader(&bytes, 6)).await
    }

    #[tokio::test]
    async fn refs_are_refused_one_by_one() {
        let lines = [
            "unpack ok\n",
            "ok refs/heads/a\n",
            "option refname refs/heads/b\n",
            "ng refs/heads/c pre-receive hook declined\n",
        ];

        let report = read(&lines).await.unwrap();

        assert_eq!(report.unpack, None);
        assert_eq!(report.refused["refs/heads/c"], "pre-receive hook declined");
        assert_eq!(report.refused.len(), 1);
    }

    #[tokio::test]
    async fn a_pack_that_was_not_taken_is_told_and_no_report_is_an_error() {
        let report =
            read(&["unpack index-pack abnormal exit\n", "ng refs/heads/a unpacker error\n"]);
        assert_eq!(report.await.unwrap().unpack.as_deref(), Some("index-pack abnormal exit"));

        for lines in [&[][..], &["hello"], &["ERR no"], &["unpack ok", "<html>"]] {
            assert!(read(lines).await.is_err(), "{lines:?}");
        }
    }

    #[test]
    fn a_hook_speaks_in_the_remarks() {
        let remarks = "Resolving deltas: 100% (3/3)\n-----\nerror: GH001: Large files detected.\n";

        let words = explained("pre-receive hook declined", remarks);

        assert_eq!(words, "pre-receive hook declined: error: GH001: Large files detected.");
        assert_eq!(explained("odd", remarks), "odd");
        assert!(explained("deny updating a hidden ref", "").contains("for itself"));
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("[ -~]{0,40}", 0..6)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            drop(runtime.block_on(read(&lines)));
        }
    }
}
