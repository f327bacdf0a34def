//! What became of each ref of a push.
//!
//! Source: git's gitprotocol-pack(5), "Report Status", of both versions.

use super::{advertisement::refusal, packet::PacketReader, remark::readable};
use crate::error::GitError;
use std::collections::{BTreeMap, BTreeSet};

/// Most refs that a report may tell of.
const MAX_LINES: usize = 10_000_000;

/// What became of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Why the pack was not taken, if it was not.
    pub(super) unpack: Option<String>,
    /// The server's reason by the full name of a ref that it refused.
    pub(super) refused: BTreeMap<String, String>,
    /// Full names of refs that are what they were told to be; none where the server says that it
    /// made something else of one.
    pub(super) done: BTreeSet<String>,
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
        let mut is_otherwise = false;
        for _ in 0..MAX_LINES {
            // Some servers forget the flush.
            let packet = reader.next().await?;
            let Some(line) = packet.as_ref().and_then(|it| it.line()) else {
                if is_otherwise {
                    report.done.clear();
                }
                return Ok(report);
            };
            if let Some(rest) = line.strip_prefix(b"ng ") {
                let rest = text(rest);
                let (name, reason) = rest.split_once(' ').unwrap_or((&rest, "refused"));
                report.refused.insert(name.to_owned(), reason.to_owned());
            } else if let Some(name) = line.strip_prefix(b"ok ") {
                report.done.insert(text(name));
            } else if line.starts_with(b"option ") {
                is_otherwise = true;
            } else {
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

    proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("[ -~]{0,40}", 0..6)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            drop(runtime.block_on(read(&lines)));
        }
    }
}
