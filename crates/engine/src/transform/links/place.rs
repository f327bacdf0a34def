//! Addresses of objects, in the layouts that hosts have.
//!
//! Source: the pages of GitHub, GitLab, Gitea and Bitbucket themselves.

use packhorse_core::{Addresses, ObjectKind, model::Markup};

/// What a reference points to, within a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// The project itself.
    Project,
    /// An issue or a change request: which of them is not said.
    Numbered(u64),
    /// An issue.
    Issue(u64),
    /// A change request.
    ChangeRequest(u64),
    /// A milestone.
    Milestone(u64),
    /// A discussion.
    Discussion(u64),
    /// A release, by its tag.
    Release(String),
    /// A commit, by its id.
    Commit(String),
}

/// One numbered thing that a reference may mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Its kind.
    pub(super) kind: ObjectKind,
    /// Its number at the source.
    pub(super) number: u64,
    /// The same thing under another number.
    pub(super) thing: fn(u64) -> Thing,
}

/// The path of a project as it stands in an address.
pub(super) fn below(path: &str, addresses: Addresses) -> String {
    match (addresses, path.split_once('/')) {
        (Addresses::Repositories, Some((key, name))) => match key.strip_prefix('~') {
            Some(user) => format!("users/{user}/repos/{name}"),
            None => format!("projects/{key}/repos/{name}"),
        },
        (Addresses::Paths | Addresses::Repositories, _) => path.to_owned(),
    }
}

/// The project's path that `projects/KEY/repos/name…` or `users/name/repos/name…` stands for, and
/// how many bytes it takes there.
pub(super) fn repository(inner: &str) -> Option<(String, usize)> {
    let mut parts = inner.splitn(4, '/');
    let (of, key) = (parts.next()?, parts.next()?);
    let (repos, rest) = (parts.next()?, parts.next()?);
    let name = word(rest);
    let path = match (of, repos) {
        ("projects", "repos") => format!("{key}/{name}"),
        ("users", "repos") => format!("~{key}/{name}"),
        _ => return None,
    };
    (!name.is_empty()).then(|| (path, inner.len() - rest.len() + name.len()))
}

/// Reads what stands after a project's path in an address; answers also how many bytes it is long.
pub(super) fn parse(rest: &str) -> Option<(Thing, usize)> {
    if rest.is_empty() {
        return Some((Thing::Project, 0));
    }
    let inner = rest.strip_prefix('/')?;
    let inner = inner.strip_prefix("-/").unwrap_or(inner);
    let (noun, tail) = inner.split_once('/').unwrap_or((inner, ""));
    if inner.is_empty() {
        return Some((Thing::Project, 0));
    }
    let (thing, after) = match noun {
        // GitHub leads from an issue's address to the change request of that number.
        "issues" => number(tail).map(|(n, after)| (Thing::Numbered(n), after)),
        "work_items" => number(tail).map(|(n, after)| (Thing::Issue(n), after)),
        "pull" | "pulls" | "merge_requests" => {
            number(tail).map(|(n, after)| (Thing::ChangeRequest(n), after))
        }
        "pull-requests" => overview(tail).map(|(n, after)| (Thing::ChangeRequest(n), after)),
        "milestone" | "milestones" => number(tail).map(|(n, after)| (Thing::Milestone(n), after)),
        "discussions" => number(tail).map(|(n, after)| (Thing::Discussion(n), after)),
        "releases" => {
            let tag = word(tail.strip_prefix("tag/").unwrap_or(tail));
            (!tag.is_empty() && tag != "latest" && tag != "download")
                .then(|| (Thing::Release(tag.to_owned()), after_word(tail, tag)))
        }
        "commit" | "commits" => {
            let id = word(tail);
            let is_id = (7..=64).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_hexdigit());
            is_id.then(|| (Thing::Commit(id.to_owned()), after_word(tail, id)))
        }
        _ => None,
    }?;
    Some((thing, rest.len() - after.len()))
}

/// The number of a change request, with the name of its page where that has one.
fn overview(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    match text[end..].strip_prefix("/overview") {
        Some(after) => number(&text[..end]).map(|(n, _)| (n, after)),
        None => number(text),
    }
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let n = text[..end].parse().ok().filter(|_| !text.starts_with('0'))?;
    // `/issues/12/edit` is no issue's address, and `12abc` no number.
    let goes_on = |c: char| c.is_alphanumeric() || "/_-".contains(c);
    (!text[end..].starts_with(goes_on)).then_some((n, &text[end..]))
}

fn word(text: &str) -> &str {
    let end = text.find(['/', '#', '?']).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!'])
}

fn after_word<'a>(text: &'a str, word: &str) -> &'a str {
    text.find(word).map_or("", |at| &text[at + word.len()..])
}

impl Thing {
    /// What it may be, where that has a number.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let issue = |number| Candidate { kind: ObjectKind::Issue, number, thing: Self::Issue };
        let change_request = |number| Candidate {
            kind: ObjectKind::ChangeRequest,
            number,
            thing: Self::ChangeRequest,
        };
        match *self {
            Self::Numbered(n) => vec![issue(n), change_request(n)],
            Self::Issue(n) => vec![issue(n)],
            Self::ChangeRequest(n) => vec![change_request(n)],
            Self::Milestone(number) => {
                vec![Candidate { kind: ObjectKind::Milestone, number, thing: Self::Milestone }]
            }
            Self::Discussion(number) => {
                vec![Candidate { kind: ObjectKind::Discussion, number, thing: Self::Discussion }]
            }
            Self::Project | Self::Release(_) | Self::Commit(_) => Vec::new(),
        }
    }

    /// What follows a project's path in an address of that layout; `None` where it has no such pages.
    pub(super) fn address(&self, layout: Markup, addresses: Addresses) -> Option<String> {
        let is_there = match (addresses, self) {
            (Addresses::Paths, _)
            | (
                Addresses::Repositories,
                Self::Project | Self::Numbered(_) | Self::ChangeRequest(_) | Self::Commit(_),
            ) => true,
            (
                Addresses::Repositories,
                Self::Issue(_) | Self::Milestone(_) | Self::Discussion(_) | Self::Release(_),
            ) => false,
        };
        if !is_there {
            return None;
        }
        let infix = if layout == Markup::Gitlab { "/-" } else { "" };
        let change_request = match layout {
            Markup::Github | Markup::Plain => "pull",
            Markup::Gitlab => "merge_requests",
            Markup::Gitea => "pulls",
            Markup::Bitbucket => "pull-requests",
        };
        Some(match (self, layout) {
            (Self::Project, _) => String::new(),
            (Self::Numbered(n), _) if addresses == Addresses::Repositories => {
                format!("/pull-requests/{n}")
            }
            (Self::Numbered(n) | Self::Issue(n), _) => format!("{infix}/issues/{n}"),
            (Self::ChangeRequest(n), _) => format!("{infix}/{change_request}/{n}"),
            (Self::Commit(id), Markup::Bitbucket) => format!("/commits/{id}"),
            (Self::Commit(id), _) => format!("{infix}/commit/{id}"),
            (Self::Milestone(n), Markup::Gitlab) => format!("/-/milestones/{n}"),
            (Self::Milestone(n), Markup::Github | Markup::Gitea | Markup::Plain) => {
                format!("/milestone/{n}")
            }
            (Self::Release(tag), Markup::Gitlab) => format!("/-/releases/{tag}"),
            (Self::Release(tag), Markup::Github | Markup::Gitea | Markup::Plain) => {
                format!("/releases/tag/{tag}")
            }
            (Self::Discussion(n), Markup::Github | Markup::Plain) => format!("/discussions/{n}"),
            (Self::Milestone(_) | Self::Release(_) | Self::Discussion(_), _) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rest: &str, expected: Option<(Thing, &str)>) {
        let found = parse(rest);

        let found = found.as_ref().map(|(thing, len)| (thing.clone(), &rest[*len..]));
        assert_eq!(found, expected);
    }

    #[test]
    fn pages_of_all_hosts_are_understood() {
        check("/issues/12", Some((Thing::Numbered(12), "")));
        check("/-/issues/12#note_9", Some((Thing::Numbered(12), "#note_9")));
        check("/pull/3.", Some((Thing::ChangeRequest(3), ".")));
        check("/-/merge_requests/3", Some((Thing::ChangeRequest(3), "")));
        check("/milestone/1", Some((Thing::Milestone(1), "")));
        check("/releases/tag/v1.0.", Some((Thing::Release("v1.0".into()), ".")));
        check("/-/releases/v1", Some((Thing::Release("v1".into()), "")));
        check("/commit/0123abc", Some((Thing::Commit("0123abc".into()), "")));
        check("", Some((Thing::Project, "")));
    }

    #[test]
    fn pages_of_repositories_in_projects_are_understood() {
        assert_eq!(repository("projects/PRJ/repos/app/commits/1"), Some(("PRJ/app".into(), 22)));
        assert_eq!(repository("users/ann/repos/app"), Some(("~ann/app".into(), 19)));
        assert_eq!(repository("projects/PRJ/repos/app."), Some(("PRJ/app".into(), 22)));
        assert_eq!(repository("projects/PRJ/permissions/app"), None);
        assert_eq!(repository("projects/PRJ/repos"), None);
        check("/pull-requests/3/overview?x", Some((Thing::ChangeRequest(3), "?x")));
        check("/pull-requests/3/diff", None);
        for path in ["PRJ/app", "~ann/app"] {
            let address = below(path, Addresses::Repositories);
            assert_eq!(repository(&address), Some((path.to_owned(), address.len())));
        }
    }

    #[test]
    fn other_pages_are_not() {
        check("/issues", None);
        check("/issues/0", None);
        check("/issues/12/edit", None);
        check("/issues/12abc", None);
        check("/pull/3/files", None);
        check("/releases/latest", None);
        check("/blob/main/a.rs", None);
        check("lication", None);
    }
}
