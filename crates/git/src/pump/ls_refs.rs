//! Refs by protocol 2.
//!
//! Source: git's gitprotocol-v2(5), `ls-refs`.

use super::{
    advertisement::{Advertisement, Listing, refusal},
    packet::{DELIMITER, FLUSH, PacketReader, put},
};
use crate::{error::GitError, repository::format_name};

/// Asks for all refs, and for what `HEAD` stands for also when it is not born.
pub(super) fn request(server: &Advertisement) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, "command=ls-refs\n");
    if server.capabilities.has("object-format") {
        put(&mut out, format!("object-format={}", format_name(server.listing.object_format)));
    }
    out.extend_from_slice(DELIMITER);
    put(&mut out, "symrefs\n");
    if server.capabilities.values("ls-refs").any(|it| it.split(' ').any(|it| it == "unborn")) {
        put(&mut out, "unborn\n");
    }
    out.extend_from_slice(FLUSH);
    out
}

/// Reads the answer up to its end.
pub(super) async fn read(
    reader: &mut PacketReader,
    server: &Advertisement,
) -> Result<Listing, GitError> {
    let mut listing = Listing::new(server.listing.object_format);
    loop {
        let packet = reader.expect().await?;
        let Some(line) = packet.line() else { return Ok(listing) };
        refusal(line, reader.place())?;
        let mut words = line.split(|it| *it == b' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err(reader.place().nonsense("a line of its refs has no name"));
        };
        if name == b"HEAD" {
            let target = words.find_map(|it| it.strip_prefix(b"symref-target:"));
            target.into_iter().for_each(|it| listing.set_head(it));
        } else if name.starts_with(b"refs/") && id != b"unborn" {
            listing.take(id, name, reader.place())?;
        }
    }
}
