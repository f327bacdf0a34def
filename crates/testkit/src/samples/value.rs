//! Values that samples share: people, times, texts, numbers.

use data_encoding::HEXLOWER;
use packhorse_core::{
    Object,
    model::{Blob, HostId, Identity, IdentityKind, Markup, Text, Time},
};
use sha2::{Digest, Sha256};

/// Number of issue `n`; issues, change requests and discussions share one row of numbers.
pub const fn issue_number(n: u64) -> u64 {
    3 * n + 1
}

/// Number of change request `n`.
pub const fn change_request_number(n: u64) -> u64 {
    3 * n + 2
}

/// Number of discussion `n`.
pub const fn discussion_number(n: u64) -> u64 {
    3 * n + 3
}

/// Id of comment `n`.
pub(super) fn comment_id(n: u64) -> String {
    (100_000 + n).to_string()
}

/// Id of review `n`.
pub(super) fn review_id(n: u64) -> String {
    (200_000 + n).to_string()
}

/// Id of review thread `n`.
pub(super) fn thread_id(n: u64) -> String {
    (300_000 + n).to_string()
}

/// A reference to comment `n`.
pub(super) fn comment(n: u64) -> HostId {
    HostId(comment_id(n))
}

/// The bytes of blob `n`: a few hundred, of all values.
pub fn bytes(n: u64) -> Vec<u8> {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let length = 300 + (n % 200) as usize;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    n.to_le_bytes().into_iter().chain(next).take(length).collect()
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What is known of blob `n`.
pub(super) fn blob(n: u64) -> Blob {
    let bytes = bytes(n);
    Blob { size: Some(bytes.len() as u64), sha256: Some(sha256(&bytes)) }
}

/// Person `n`.
pub(super) fn person(n: u64) -> Identity {
    Identity {
        login: format!("user-{n}"),
        name: Some(format!("Zoë “{n}” 測試 O'Neil")),
        email: n.is_multiple_of(2).then(|| format!("user-{n}@example.org")),
        kind: if n.is_multiple_of(5) { IdentityKind::Bot } else { IdentityKind::Person },
        host: Some("git.example".to_owned()),
    }
}

/// A text with everything in it that breaks careless code.
pub(super) fn text(n: u64, what: &str) -> Option<Text> {
    let text = match n % 4 {
        0 => format!("{what} {n}: 🐴 packs\r\n\r\n- [ ] @user-{n}\r\n- see #1\r\n"),
        1 => format!("{what} {n}\n```\n\\ \"quoted\" \u{1}\t<b>&amp;</b>\n```\n"),
        2 => format!("{what} {n} مرحبا e\u{301} \u{202e}odd\u{202c} \u{10ffff}"),
        _ => format!("{what} {n} | ![x](https://git.example/uploads/{n}/x.png)"),
    };
    Some(Text::new(text, Markup::Github))
}

/// A moment, some hours after the moment before, under changing offsets.
pub(super) fn time(n: u64, minutes: u64) -> Option<Time> {
    let offset = ["Z", "+08:00", "-03:30", "+05:45"][(n % 4) as usize];
    let minute = n * 7 + minutes;
    let (day, hour) = (minute / 1440 % 28 + 1, minute / 60 % 24);
    let year = 2015 + minute / (1440 * 28) % 10;
    format!("{year}-03-{day:02}T{hour:02}:{:02}:05{offset}", minute % 60).parse().ok()
}

/// Object id of a commit.
pub(super) fn commit(n: u64) -> String {
    sha256(format!("commit {n}").as_bytes())[..40].to_owned()
}

/// Changes something in an object that is in its fingerprint and not in its id.
pub(super) fn touch(object: &mut Object) {
    let later = "2026-02-03T04:05:06.5Z".parse().ok();
    match object {
        Object::User(it) => it.bio = Some("changed".to_owned()),
        Object::Organization(it) => it.description = Some("changed".to_owned()),
        Object::Team(it) => it.description = Some("changed".to_owned()),
        Object::Project(it) => it.description = Some("changed".to_owned()),
        Object::Member(it) => it.pending = !it.pending,
        Object::Topic(it) => it.name.push_str("-changed"),
        Object::LfsObject(it) => it.blob.size = it.blob.size.map(|size| size + 1),
        Object::Repository(it) => it.refs_digest = sha256(b"changed"),
        Object::Wiki(it) => it.refs_digest = sha256(b"changed"),
        Object::Label(it) => it.color = Some("010203".to_owned()),
        Object::Milestone(it) => it.title.push_str(", changed"),
        Object::Attachment(it) => it.content_type = Some("text/x-changed".to_owned()),
        Object::Issue(it) => it.title.push_str(", changed"),
        Object::ChangeRequest(it) => it.title.push_str(", changed"),
        Object::Review(it) => it.body = Some(Text::new("changed", Markup::Github)),
        Object::ReviewThread(it) => it.resolved_at = later,
        Object::ReviewComment(it) => it.body = Some(Text::new("changed", Markup::Github)),
        Object::DiscussionCategory(it) => it.description = Some("changed".to_owned()),
        Object::Discussion(it) => it.title.push_str(", changed"),
        Object::Snippet(it) => it.title.push_str(", changed"),
        Object::CommitComment(it) => it.body = Some(Text::new("changed", Markup::Github)),
        Object::Comment(it) => it.body = Some(Text::new("changed", Markup::Github)),
        Object::Reaction(it) => it.created_at = later,
        Object::Event(it) => it.created_at = later,
        Object::CommitStatus(it) => it.description = Some("changed".to_owned()),
        Object::Release(it) => it.name = Some("changed".to_owned()),
        Object::ReleaseAsset(it) => it.label = Some("changed".to_owned()),
        Object::Board(it) => it.description = Some("changed".to_owned()),
        Object::BranchRule(it) => it.dismiss_stale = !it.dismiss_stale,
        Object::TagRule(it) => it.creators.clear(),
        Object::Webhook(it) => it.active = !it.active,
        Object::DeployKey(it) => it.read_only = !it.read_only,
        Object::Variable(it) => it.masked = !it.masked,
        Object::State(it) => it.created_at = later,
    }
}
