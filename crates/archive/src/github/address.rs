//! Web addresses, which are the ids of this format: taking them apart and making them.
//!
//! Every record has one, and every reference is one. GitHub's own are read by
//! their shape; those of exporters for other hosts by generic rules that look
//! for the word before the number (`issues/7`, `merge_requests/7`,
//! `pull-requests/7`), from the end, because projects may be called like that.

use packhorse_core::model::{Grantee, Identity, IdentityKind};
use std::fmt::Write as _;

/// Where addresses stand that name no host of their own.
pub(super) const BASE: &str = "https://github.com";
const BASE_HOST: &str = "github.com";

/// GitHub's account for those that are gone.
///
/// Source: GitHub, "Deleting your personal account".
const GHOST: &str = "ghost";

/// Words before the number of an object.
const NUMBERED: [&str; 9] = [
    "issues",
    "pull",
    "pulls",
    "pull-requests",
    "merge_requests",
    "milestones",
    "milestone",
    "discussions",
    "work_items",
];

/// Words before the name of an object.
const NAMED: [&str; 12] = [
    "labels",
    "commit",
    "commits",
    "releases",
    "tags",
    "discussion_categories",
    "settings",
    "files",
    "browse",
    "plugins",
    "protected_branches",
    "-",
];

/// An address, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Address<'a> {
    host: Option<&'a str>,
    segments: Vec<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// Takes an address apart; anything is one.
    pub(super) fn of(url: &'a str) -> Self {
        let (rest, fragment) = split(url, '#');
        let (rest, query) = split(rest, '?');
        let (host, path) = match rest.split_once("://") {
            Some((_, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                (Some(host).filter(|it| !it.is_empty()), path)
            }
            None => (None, rest),
        };
        let segments = path.split('/').filter(|it| !it.is_empty()).collect();
        Self { host, segments, query, fragment }
    }

    /// Whether the address is that of an account: one word after the host.
    pub(super) fn is_account(&self) -> bool {
        self.segments.len() == 1 && self.fragment.is_none()
    }

    fn last(&self) -> &'a str {
        self.segments.last().copied().unwrap_or("")
    }

    /// The full path of a project whose own address this is.
    pub(super) fn project(&self) -> Option<String> {
        self.exporters_project().or_else(|| join(&self.segments))
    }

    /// The full path of the project that the object at this address belongs to.
    pub(super) fn owning_project(&self) -> Option<String> {
        if let Some(path) = self.exporters_project() {
            return Some(path);
        }
        let mut end = self.marker()?;
        if end > 1 && self.segments[end - 1] == "-" {
            end -= 1;
        }
        join(&self.segments[..end])
    }

    /// Bitbucket Server's `projects/KEY/repos/slug/…` and `users/name/repos/slug/…`.
    fn exporters_project(&self) -> Option<String> {
        match self.segments[..] {
            ["projects", key, "repos", slug, ..] => join(&[key, slug]),
            ["users", name, "repos", slug, ..] => join(&[&format!("~{name}"), slug]),
            _ => None,
        }
    }

    /// Where the word stands that says what kind of object this is.
    fn marker(&self) -> Option<usize> {
        let numbered = |&at: &usize| {
            let next = self.segments.get(at + 1);
            NUMBERED.contains(&self.segments[at]) && next.is_some_and(|it| is_number(it))
        };
        let named = |&at: &usize| NAMED.contains(&self.segments[at]);
        let n_segments = self.segments.len();
        (1..n_segments)
            .rev()
            .find(numbered)
            .or_else(|| (2..n_segments).find(named))
            .or_else(|| (1..n_segments).find(named))
    }

    /// The number of the issue, change request, milestone or discussion at this address.
    pub(super) fn number(&self) -> Option<u64> {
        let at = (0..self.segments.len().saturating_sub(1))
            .rev()
            .find(|&at| NUMBERED.contains(&self.segments[at]) && is_number(self.segments[at + 1]));
        match at {
            Some(at) => self.segments[at + 1].parse().ok(),
            None => self.last().parse().ok(),
        }
    }

    /// The word before the number.
    pub(super) fn is_change_request(&self) -> bool {
        self.segments
            .iter()
            .any(|it| matches!(*it, "pull" | "pulls" | "pull-requests" | "merge_requests"))
    }

    /// What stands after a word in the path, decoded, to the end.
    fn after(&self, words: &[&str]) -> Option<String> {
        let n_words = words.len();
        let at = self.segments.windows(n_words).position(|it| it == words)?;
        let rest = &self.segments[at + n_words..];
        (!rest.is_empty()).then(|| decode(&rest.join("/")))
    }

    /// Name of the label at this address.
    pub(super) fn label(&self) -> String {
        // GitLab's exporter writes `labels#/name`.
        let in_fragment = self.fragment.and_then(|it| it.strip_prefix('/'));
        match in_fragment {
            Some(name) => decode(name),
            None => self.after(&["labels"]).unwrap_or_else(|| self.name()),
        }
    }

    /// Tag of the release at this address.
    pub(super) fn tag(&self) -> String {
        self.after(&["releases", "tag"])
            .or_else(|| self.after(&["tags"]))
            .unwrap_or_else(|| self.name())
    }

    /// The last word, decoded.
    pub(super) fn name(&self) -> String {
        decode(self.last())
    }

    /// The account at this address.
    pub(super) fn identity(&self) -> Identity {
        let mut identity = Identity::login(self.name(), self.host);
        if identity.login == GHOST {
            identity.kind = IdentityKind::Deleted;
        }
        identity
    }

    /// Full path of the organization or group at this address.
    pub(super) fn organization(&self) -> String {
        let segments = match self.segments[..] {
            ["groups" | "orgs" | "projects", ref rest @ ..] if !rest.is_empty() => rest,
            ref all => all,
        };
        join(segments).unwrap_or_default()
    }

    /// Path of the organization and slug of the team at this address.
    pub(super) fn team(&self) -> Option<(String, String)> {
        if let Some(at) = self.segments.iter().rposition(|it| *it == "teams") {
            let slug = decode(self.segments.get(at + 1)?);
            let start = usize::from(matches!(self.segments[0], "orgs" | "groups"));
            return Some((join(self.segments.get(start..at)?)?, slug));
        }
        // Bitbucket's exporter writes `admin/groups/view?name=team#owner`.
        let slug = self.query?.split('&').find_map(|it| it.strip_prefix("name="))?;
        Some((decode(self.fragment?), decode(slug)))
    }
}

/// The id in the fragment of an address, without whichever of the prefixes it has.
pub(super) fn id(url: &str, prefixes: &[&str]) -> Option<String> {
    let fragment = split(url, '#').1?;
    let id = prefixes.iter().find_map(|it| fragment.strip_prefix(it)).unwrap_or(fragment);
    Some(decode(id)).filter(|it| !it.is_empty())
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// A full path, if it can be one.
///
/// SECURITY: a path becomes a directory in some destinations.
fn join(segments: &[&str]) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        let name = decode(segment);
        let is_odd = |it: char| it == '/' || it == '\\' || it.is_control();
        if name.is_empty() || name == "." || name == ".." || name.contains(is_odd) {
            return None;
        }
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&name);
    }
    (!path.is_empty()).then_some(path)
}

/// Undoes percent encoding; what is not UTF-8 then, stays as it is written.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = digits
            .filter(|it| it.iter().all(u8::is_ascii_hexdigit))
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Percent-encodes all but letters, digits and `-._~`, as GitHub does in label addresses.
pub(super) fn encode(text: &str) -> String {
    encode_but(text, "-._~")
}

fn encode_but(text: &str, plain: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot go wrong.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Address of an account.
pub(super) fn user(identity: &Identity) -> String {
    let host = identity.host.as_deref().unwrap_or(BASE_HOST);
    format!("https://{}/{}", encode_but(host, "-._~:[]"), encode(&identity.login))
}

/// Address of an organization.
pub(super) fn organization(path: &str) -> String {
    format!("{BASE}/{}", encode_path(path))
}

/// Address of a project.
pub(super) fn project(path: &str) -> String {
    format!("{BASE}/{}", encode_path(path))
}

/// Address of what owns a project.
pub(super) fn owner(path: &str) -> String {
    organization(path.rsplit_once('/').map_or(path, |(owner, _)| owner))
}

/// Address of a team.
pub(super) fn team(organization: &str, slug: &str) -> String {
    format!("{BASE}/orgs/{}/teams/{}", encode_path(organization), encode(slug))
}

/// Addresses within one project.
#[derive(Clone, Debug)]
pub(super) struct Site {
    url: String,
}

impl Site {
    /// The addresses of the project of that path.
    pub(super) fn new(path: &str) -> Self {
        Self { url: project(path) }
    }

    /// Address of the project.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn issue(&self, number: u64) -> String {
        format!("{}/issues/{number}", self.url)
    }

    pub(super) fn change_request(&self, number: u64) -> String {
        format!("{}/pull/{number}", self.url)
    }

    pub(super) fn milestone(&self, number: u64) -> String {
        format!("{}/milestones/{number}", self.url)
    }

    pub(super) fn discussion(&self, number: u64) -> String {
        format!("{}/discussions/{number}", self.url)
    }

    pub(super) fn category(&self, name: &str) -> String {
        format!("{}/discussion_categories/{}", self.url, encode(name))
    }

    pub(super) fn label(&self, name: &str) -> String {
        format!("{}/labels/{}", self.url, encode(name))
    }

    pub(super) fn release(&self, tag: &str) -> String {
        format!("{}/releases/tag/{}", self.url, encode(tag))
    }

    pub(super) fn branch_rule(&self, pattern: &str) -> String {
        format!("{}/settings/branches/{}", self.url, encode(pattern))
    }

    pub(super) fn commit_comment(&self, commit: &str, id: &str) -> String {
        format!("{}/commit/{}#commitcomment-{}", self.url, encode(commit), encode(id))
    }

    pub(super) fn review(&self, number: u64, id: &str) -> String {
        format!("{}/pull/{number}/files#pullrequestreview-{}", self.url, encode(id))
    }

    pub(super) fn thread(&self, number: u64, id: &str) -> String {
        format!("{}/pull/{number}/files#pullrequestreviewthread-{}", self.url, encode(id))
    }

    pub(super) fn review_comment(&self, number: u64, id: &str) -> String {
        format!("{}/pull/{number}/files#r{}", self.url, encode(id))
    }
}

/// Address of whoever a rule names; groups have none.
pub(super) fn grantee(grantee: &Grantee) -> Option<String> {
    match grantee {
        Grantee::User(identity) => Some(user(identity)),
        Grantee::Team { organization, slug } => Some(team(organization, slug)),
        Grantee::Group(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, project: Option<&str>, number: Option<u64>) {
        let address = Address::of(url);

        assert_eq!(address.owning_project().as_deref(), project);
        assert_eq!(address.number(), number);
    }

    #[test]
    fn githubs_addresses_name_their_project() {
        check("https://github.com/acme/app/issues/7", Some("acme/app"), Some(7));
        check("https://github.com/acme/app/issues/7#issuecomment-1", Some("acme/app"), Some(7));
        check("https://github.com/acme/app/pull/7/files#r1", Some("acme/app"), Some(7));
        check("https://github.com/acme/app/commit/abc#commitcomment-1", Some("acme/app"), None);
        check("https://github.com/acme/app/releases/tag/v1", Some("acme/app"), None);
    }

    #[test]
    fn a_project_may_be_called_like_a_word_of_the_address() {
        check("https://github.com/acme/issues/issues/7", Some("acme/issues"), Some(7));
        check("https://github.com/issues/labels/labels/bug", Some("issues/labels"), None);
    }

    #[test]
    fn other_hosts_addresses_are_read_by_generic_rules() {
        check("https://gl.example/a/b/c/merge_requests/7#note_9", Some("a/b/c"), Some(7));
        check("https://gl.example/a/b/-/issues/7", Some("a/b"), Some(7));
        check(
            "https://bb.example/projects/K/repos/r/pull-requests/7/overview",
            Some("K/r"),
            Some(7),
        );
        check("https://bb.example/users/ann/repos/r/commits/abc", Some("~ann/r"), None);
    }

    #[test]
    fn a_path_that_climbs_is_no_project() {
        check("https://github.com/acme/%2e%2e/issues/7", None, Some(7));
        check("https://github.com/acme/a%2Fb/issues/7", None, Some(7));
    }

    #[test]
    fn names_come_back_from_their_addresses() {
        let site = Site::new("acme/app");

        for name in ["bug", "good first issue", "a/b", "ü#?%", "100%25"] {
            assert_eq!(Address::of(&site.label(name)).label(), name);
            assert_eq!(Address::of(&site.release(name)).tag(), name);
            assert_eq!(Address::of(&site.category(name)).name(), name);
            assert_eq!(id(&site.review(7, name), &["pullrequestreview-"]).unwrap(), name);
        }
        assert_eq!(Address::of("https://gl.example/a/b/labels#/to%20do").label(), "to do");
    }

    #[test]
    fn accounts_come_back_from_their_addresses() {
        for (login, host) in [("ann", "github.com"), ("dependabot[bot]", "ghe.example:8443")] {
            let identity = Identity::login(login, Some(host));

            assert_eq!(Address::of(&user(&identity)).identity(), identity);
        }
    }

    #[test]
    fn teams_come_back_from_their_addresses() {
        let expected = Some(("acme/sub".to_owned(), "core".to_owned()));

        assert_eq!(Address::of(&team("acme/sub", "core")).team(), expected);
        let foreign = Address::of("https://bb.example/admin/groups/view?name=core#acme").team();
        assert_eq!(foreign, Some(("acme".to_owned(), "core".to_owned())));
    }
}
