//! Asking a server for a pack.
//!
//! One request gives the pack in both protocols, since all that is known to be
//! at the other end is said at once, together with `done`.
//!
//! Source: git's gitprotocol-v2(5), `fetch`, and gitprotocol-pack(5), "Packfile
//! Negotiation".

use super::{
    advertisement::{Advertisement, Version, refusal},
    ancestry::Descent,
    packet::{DELIMITER, FLUSH, Packet, PacketReader, put},
};
use crate::{error::GitError, repository::format_name};
use std::fmt::{self, Display, Formatter};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Objects whose history is wanted.
    pub(crate) wants: Vec<String>,
    /// Objects whose history is there already.
    pub(crate) haves: Vec<String>,
    /// Whether the pack may build on objects that are there already.
    pub(crate) is_thin: bool,
    /// Whether the pack may name a base by its distance.
    pub(crate) has_offsets: bool,
    /// Whether nobody wants to know how far the server is.
    pub(crate) is_quiet: bool,
    /// What is left out.
    pub(crate) without: Option<Without>,
}

/// What a server that knows filters leaves out of a pack.
///
/// Source: `--filter` in git's git-rev-list(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// Files of so many bytes and more.
    BlobsOf(u64),
    /// All but commits and tags.
    Trees,
}

impl Display for Without {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlobsOf(size) => write!(f, "blob:limit={size}"),
            Self::Trees => f.write_str("tree:0"),
        }
    }
}

impl Wish {
    /// The request for the pack.
    pub(super) fn request(&self, server: &Advertisement) -> Vec<u8> {
        let mut out = Vec::with_capacity((self.wants.len() + self.haves.len()) * 74 + 256);
        match server.version {
            Version::V2 => {
                begin_v2(&mut out, server);
                if self.is_thin {
                    put(&mut out, "thin-pack\n");
                }
                if self.has_offsets {
                    put(&mut out, "ofs-delta\n");
                }
                if self.is_quiet {
                    put(&mut out, "no-progress\n");
                }
                self.put_ids(&mut out, b"");
                if let Some(without) = self.without {
                    put(&mut out, format!("filter {without}\n"));
                }
                put(&mut out, "done\n");
                out.extend_from_slice(FLUSH);
            }
            Version::V0 => {
                let thin = if self.is_thin { " thin-pack" } else { "" };
                let offsets = if self.has_offsets { " ofs-delta" } else { "" };
                let quiet = if self.is_quiet { " no-progress" } else { "" };
                let filter = if self.without.is_some() { " filter" } else { "" };
                let words = format!("{thin}{offsets}{quiet}{filter}");
                put_wants_v0(&mut out, &self.wants, server, &words);
                if let Some(without) = self.without {
                    put(&mut out, format!("filter {without}\n"));
                }
                out.extend_from_slice(FLUSH);
                self.haves.iter().for_each(|it| put(&mut out, format!("have {it}\n")));
                put(&mut out, "done\n");
            }
        }
        out
    }

    /// The question whether every want descends from a have, without `done`.
    pub(super) fn question(&self, server: &Advertisement) -> Vec<u8> {
        let mut out = Vec::new();
        match server.version {
            Version::V2 => {
                begin_v2(&mut out, server);
                self.put_ids(&mut out, FLUSH);
            }
            Version::V0 => return self.question_v0(server),
        }
        out
    }

    /// The same question in protocol 0, which a server of protocol 2 knows as well.
    pub(super) fn question_v0(&self, server: &Advertisement) -> Vec<u8> {
        let mut out = Vec::new();
        let more = match server.version {
            Version::V2 => " multi_ack_detailed",
            Version::V0 => "",
        };
        put_wants_v0(&mut out, &self.wants, server, more);
        out.extend_from_slice(FLUSH);
        self.haves.iter().for_each(|it| put(&mut out, format!("have {it}\n")));
        out.extend_from_slice(FLUSH);
        out
    }

    fn put_ids(&self, out: &mut Vec<u8>, end: &[u8]) {
        self.wants.iter().for_each(|it| put(out, format!("want {it}\n")));
        self.haves.iter().for_each(|it| put(out, format!("have {it}\n")));
        out.extend_from_slice(end);
    }
}

fn begin_v2(out: &mut Vec<u8>, server: &Advertisement) {
    put(out, "command=fetch");
    if server.capabilities.has("object-format") {
        put(out, format!("object-format={}", format_name(server.listing.object_format)));
    }
    out.extend_from_slice(DELIMITER);
}

fn put_wants_v0(out: &mut Vec<u8>, wants: &[String], server: &Advertisement, more: &str) {
    let mut words = format!(" side-band-64k{more}");
    if server.capabilities.has("multi_ack_detailed") {
        words.push_str(" multi_ack_detailed");
    }
    if server.capabilities.has("object-format") {
        let format = format_name(server.listing.object_format);
        words.push_str(&format!(" object-format={format}"));
    }
    for want in wants {
        put(out, format!("want {want}{words}\n"));
        words.clear();
    }
}

/// Reads the answer up to the side-band with the pack.
pub(super) async fn read_up_to_pack(
    reader: &mut PacketReader,
    version: Version,
) -> Result<(), GitError> {
    loop {
        let packet = reader.expect().await?;
        let Some(line) = packet.line() else {
            if version == Version::V2 && packet == Packet::Delimiter {
                continue;
            }
            return Err(reader.place().nonsense("it sends no pack"));
        };
        refusal(line, reader.place())?;
        match line {
            b"shallow-info" => return Err(reader.place().not_streamed(SHALLOW)),
            line if line.starts_with(b"shallow ") => {
                return Err(reader.place().not_streamed(SHALLOW));
            }
            b"packfile" if version == Version::V2 => return Ok(()),
            b"NAK" if version == Version::V0 => return Ok(()),
            line if version == Version::V0 && is_last_acknowledgement(line) => return Ok(()),
            line if line == b"acknowledgments" || line == b"NAK" || line.starts_with(b"ACK ") => {}
            line => {
                let line = String::from_utf8_lossy(line);
                return Err(reader.place().nonsense(format!("it said `{line}` before the pack")));
            }
        }
    }
}

/// Why a server that lacks a part of its history cannot be streamed.
pub(super) const SHALLOW: &str = "it holds a part of the history alone";

/// `ACK <id>` without a word behind it is the answer to `done`.
fn is_last_acknowledgement(line: &[u8]) -> bool {
    line.starts_with(b"ACK ") && line.iter().filter(|it| **it == b' ').count() == 1
}

/// Reads the answer to [`Wish::question`]: `ready` is said when every want descends from a have.
pub(super) async fn read_descent(reader: &mut PacketReader) -> Result<Descent, GitError> {
    let mut descent = Descent::No;
    while let Some(packet) = reader.next().await? {
        let Some(line) = packet.line() else { break };
        refusal(line, reader.place())?;
        if line == b"ready" || (line.starts_with(b"ACK ") && line.ends_with(b" ready")) {
            return Ok(Descent::Yes);
        }
        if line == b"NAK" {
            break;
        }
        if line.starts_with(b"ACK ") {
            descent = Descent::Unclear;
        }
    }
    Ok(descent)
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::reader, *};
    use crate::pump::advertisement::Service;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    async fn server(lines: &[&str]) -> Advertisement {
        let mut bytes = Vec::new();
        lines.iter().for_each(|it| put(&mut bytes, it));
        bytes.extend(FLUSH);
        Advertisement::read(&mut reader(&bytes, 99), Service::UploadPack).await.unwrap()
    }

    async fn up_to_pack(lines: &[&str], version: Version) -> Result<(), GitError> {
        let mut bytes = Vec::new();
        for line in lines {
            if *line == "0001" { bytes.extend(DELIMITER) } else { put(&mut bytes, line) }
        }
        read_up_to_pack(&mut reader(&bytes, 5), version).await
    }

    #[tokio::test]
    async fn a_request_says_what_the_server_understands() {
        let wish = Wish {
            wants: vec![A.into()],
            haves: vec![A.into()],
            is_thin: true,
            has_offsets: true,
            is_quiet: false,
            without: Some(Without::BlobsOf(7)),
        };
        let text = |it: &Advertisement| String::from_utf8(wish.request(it)).unwrap();

        let second = text(&server(&["version 2\n", "object-format=sha1\n"]).await);
        assert!(second.starts_with("0011command=fetch0016object-format=sha10001000ethin-pack\n"));
        assert!(second.ends_with("0018filter blob:limit=7\n0009done\n0000"));

        let zeroth = text(&server(&[&format!("{A} HEAD\0multi_ack_detailed thin-pack")]).await);
        assert!(
            zeroth.contains(
                " side-band-64k thin-pack ofs-delta filter multi_ack_detailed\n0018filter"
            )
        );
        assert!(zeroth.ends_with("0009done\n"));
    }

    #[tokio::test]
    async fn what_has_both_commits_and_is_not_ready_is_not_sure() {
        let ack = |more: &str| format!("ACK {A}{more}\n");
        for (lines, expected) in [
            (vec![ack(" ready")], Descent::Yes),
            (vec!["acknowledgments\n".to_owned(), ack(""), "ready\n".to_owned()], Descent::Yes),
            (vec![ack(" common"), "NAK\n".to_owned()], Descent::Unclear),
            (vec!["acknowledgments\n".to_owned(), ack("")], Descent::Unclear),
            (vec!["acknowledgments\n".to_owned(), "NAK\n".to_owned()], Descent::No),
        ] {
            let mut bytes = Vec::new();
            lines.iter().for_each(|it| put(&mut bytes, it));
            bytes.extend(FLUSH);

            let descent = read_descent(&mut reader(&bytes, 9)).await.unwrap();

            assert_eq!(descent, expected, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn the_pack_is_found_behind_what_is_acknowledged() {
        let ack = format!("ACK {A}");
        let common = format!("ACK {A} common\n");
        up_to_pack(&["packfile\n"], Version::V2).await.unwrap();
        up_to_pack(&["acknowledgments\n", &ack, "0001", "packfile\n"], Version::V2).await.unwrap();
        up_to_pack(&["NAK\n"], Version::V0).await.unwrap();
        up_to_pack(&[&common, &ack], Version::V0).await.unwrap();

        assert!(up_to_pack(&["ERR not our ref"], Version::V2).await.is_err());
        assert!(up_to_pack(&["hello"], Version::V0).await.is_err());
        assert!(up_to_pack(&[], Version::V0).await.is_err());
        let shallow = up_to_pack(&["shallow-info\n"], Version::V2).await;
        assert!(matches!(shallow, Err(GitError::NotStreamed { .. })));
    }
}
