//! Telling a server what its refs shall be.
//!
//! Source: git's gitprotocol-pack(5), "Reference Update Request and Packfile
//! Transfer", and gitprotocol-capabilities(5).

use super::{
    advertisement::{Advertisement, digits},
    packet::{FLUSH, put},
};
use crate::repository::format_name;
use packhorse_core::model::ObjectFormat;

/// What one ref shall be; `None` where there is none.
///
/// The old value is compared by the server, so that what somebody moved
/// meanwhile is refused rather than overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefCommand {
    /// Full name.
    pub(crate) name: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// Whether a pack goes with these commands: with any that needs objects, be it an empty one.
pub(super) fn need_pack(commands: &[RefCommand]) -> bool {
    commands.iter().any(|it| it.new.is_some())
}

/// The request up to the pack.
pub(super) fn request(commands: &[RefCommand], server: &Advertisement, is_quiet: bool) -> Vec<u8> {
    let format = server.listing.object_format;
    let mut out = Vec::with_capacity(commands.len() * (2 * digits(format) + 60) + 200);
    let mut words = format!("\0{}", words(server, format, is_quiet));
    for RefCommand { name, old, new } in commands {
        let (old, new) = (id(old.as_ref(), format), id(new.as_ref(), format));
        put(&mut out, format!("{old} {new} {name}{words}"));
        words.clear();
    }
    out.extend_from_slice(FLUSH);
    out
}

fn id(id: Option<&String>, format: ObjectFormat) -> String {
    id.cloned().unwrap_or_else(|| "0".repeat(digits(format)))
}

/// What we use of what the server can do.
fn words(server: &Advertisement, format: ObjectFormat, is_quiet: bool) -> String {
    let offered = &server.capabilities;
    let report = ["report-status-v2", "report-status"].into_iter().find(|it| offered.has(it));
    let others = [("side-band-64k", true), ("quiet", is_quiet)];
    let others = others.into_iter().filter(|(it, is_used)| *is_used && offered.has(it));
    let others = others.map(|(it, _)| it);
    let mut words: Vec<String> = report.into_iter().chain(others).map(str::to_owned).collect();
    if offered.has("object-format") {
        words.push(format!("object-format={}", format_name(format)));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{super::packet::tests::reader, *};
    use crate::pump::advertisement::Service;

    #[tokio::test]
    async fn commands_compare_and_swap() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let mut bytes = Vec::new();
        put(&mut bytes, format!("{a} refs/heads/x\0report-status report-status-v2 atomic\n"));
        bytes.extend(FLUSH);
        let server =
            Advertisement::read(&mut reader(&bytes, 99), Service::ReceivePack).await.unwrap();
        let command = |name: &str, old: Option<&String>, new: Option<&String>| RefCommand {
            name: name.into(),
            old: old.cloned(),
            new: new.cloned(),
        };
        let commands =
            [command("refs/heads/x", Some(&a), None), command("refs/heads/y", None, Some(&b))];

        let text = String::from_utf8(request(&commands, &server, true)).unwrap();

        assert!(text.contains(&format!("{a} {zero} refs/heads/x\0report-status-v2")), "{text}");
        assert!(text.ends_with(&format!("{zero} {b} refs/heads/y0000")), "{text}");
        assert!(!text.contains("atomic"));
        assert!(need_pack(&commands) && !need_pack(&commands[..1]));
    }
}
