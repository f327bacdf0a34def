//! Which refs travel between two hosts, and under which names.
//!
//! Hosts keep the commits of change requests under refs of their own, which no
//! other host takes under those names. Where no branch leads to such a commit any
//! more it would be lost, and the difference that was reviewed with it: so it
//! travels under a name of ours.

use super::{RefList, is_valid_name};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A ref that is not carried, or not under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftRef {
    /// Full name, with `*` for several of one kind.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Which refs travel between two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefPolicy {
    /// Whether everything under `refs/` travels, hidden refs too.
    everything: bool,
    /// Where the commits of change requests are kept.
    namespace: Cow<'static, str>,
}

/// Where the commits of change requests are kept unless somebody says otherwise.
pub const NAMESPACE: &str = "refs/packhorse/change-requests";

/// Where a push that is larger than its destination takes at once leaves its parts, for as long
/// as it lasts: the second where the destination takes nothing but branches.
pub(crate) const PARTS: [&str; 2] = ["refs/packhorse/parts/", "refs/heads/packhorse/parts/"];

/// Refs that hosts make by themselves and refuse from outside.
///
/// Source: git-receive-pack's `transfer.hideRefs`; GitHub `refs/pull`, GitLab
/// `refs/merge-requests`, `refs/keep-around`, `refs/pipelines`,
/// `refs/environments`, Bitbucket `refs/pull-requests` and `stash-refs`, Gerrit
/// `refs/changes`. Pushing to Gitea's and Gerrit's `refs/for`, `refs/draft` and `refs/for-review`
/// opens change requests.
const HIDDEN: &[&str] = &[
    "refs/pull/",
    "refs/merge-requests/",
    "refs/pull-requests/",
    "refs/stash-refs/",
    "refs/keep-around/",
    "refs/pipelines/",
    "refs/environments/",
    "refs/changes/",
    "refs/__gh__/",
    "refs/remotes/",
    "refs/for/",
    "refs/draft/",
    "refs/for-review/",
];

/// Refs of the heads of change requests: what stands before and behind the number.
///
/// Source: GitHub, "Checking out pull requests locally"; GitLab, "Merge requests: check out
/// locally"; Gitea's `GetGitHeadRefName`; Bitbucket Data Center, "refs/pull-requests/*/from".
const HEADS: &[(&str, &str)] =
    &[("refs/pull/", "/head"), ("refs/merge-requests/", "/head"), ("refs/pull-requests/", "/from")];

/// Names of one kind that are told one by one; more are told as one.
const MAX_NAMED: usize = 10;

/// The refs that travel, and those that do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Object id by the name at the destination.
    pub wanted: RefList,
    /// Name at the source by the name at the destination, where they differ.
    pub renamed: BTreeMap<String, String>,
    /// Names of `wanted` that no ref of the source leads to, and that it gives all the same.
    pub given: BTreeSet<String>,
    /// What stays behind, and what gets another name.
    pub left: Vec<LeftRef>,
}

impl Selection {
    /// What travels, by the names at the source.
    pub fn at_source(&self) -> RefList {
        let refs = self.wanted.refs.iter().filter(|(name, _)| !self.given.contains(*name));
        let name = |name: &String| self.renamed.get(name).unwrap_or(name).clone();
        let refs = refs.map(|(it, id)| (name(it), id.clone())).collect();
        RefList { head: self.wanted.head.clone(), refs }
    }
}

impl RefPolicy {
    /// Everything travels.
    pub const MIRROR: Self = Self { everything: true, namespace: Cow::Borrowed(NAMESPACE) };

    /// The policy for a destination host; the store and archives keep everything.
    pub fn between(_source_host: &str, sink_host: &str) -> Self {
        let everything = sink_host == "local" || sink_host.ends_with("-archive");
        Self { everything, ..Self::MIRROR }
    }

    /// Whether everything under `refs/` travels.
    pub const fn is_mirror(&self) -> bool {
        self.everything
    }

    /// Keeps the commits of change requests under `namespace`, such as `refs/heads/reviewed`.
    ///
    /// `None` when that is no place for refs.
    pub fn keeping(self, namespace: &str) -> Option<Self> {
        let namespace = namespace.trim_end_matches('/');
        let below = format!("{namespace}/1/head");
        let is_free = HIDDEN.iter().chain(&PARTS).all(|it| !below.starts_with(it));
        let is_place = namespace.starts_with("refs/") && is_valid_name(&below) && is_free;
        is_place.then(|| Self { namespace: Cow::Owned(namespace.to_owned()), ..self })
    }

    /// Name under which the head of a change request is kept.
    pub fn kept(&self, number: &str) -> String {
        format!("{}/{number}/head", self.namespace)
    }

    /// Why a ref stays behind, if it does.
    pub fn leaves(&self, name: &str) -> Option<&'static str> {
        if !is_valid_name(name) {
            return Some("its name is not one that Git allows");
        }
        if PARTS.iter().any(|it| name.starts_with(it)) {
            return Some("it is what an unfinished push has left");
        }
        if self.everything {
            return None;
        }
        let hidden = HIDDEN.iter().any(|prefix| name.starts_with(prefix));
        hidden.then_some("hosts make such refs themselves and refuse them from outside")
    }

    /// The refs that travel, and those that do not.
    pub fn select(&self, list: &RefList) -> (RefList, Vec<LeftRef>) {
        let selection = self.selection(list);
        (selection.wanted, selection.left)
    }

    /// The refs that travel under the names that they get, and those that do not.
    pub fn selection(&self, list: &RefList) -> Selection {
        let mut found = Selection::default();
        found.wanted.head.clone_from(&list.head);
        let mut left = Vec::new();
        for (name, id) in &list.refs {
            match self.leaves(name) {
                None => drop(found.wanted.refs.insert(name.clone(), id.clone())),
                Some(reason) => left.push((name.as_str(), id, reason)),
            }
        }
        let tips: BTreeSet<String> = found.wanted.refs.values().cloned().collect();
        left.retain(|(name, id, _)| {
            let number = number(name).filter(|_| !self.everything && !tips.contains(*id));
            let kept = number.map(|it| self.kept(it));
            // What an earlier carry left under that name has the older right to it.
            let kept = kept.filter(|it| !list.refs.contains_key(it));
            if let Some(kept) = &kept {
                found.wanted.refs.insert(kept.clone(), (*id).clone());
                found.renamed.insert(kept.clone(), (*name).to_owned());
            }
            kept.is_none()
        });
        found.left = summed_up(&left);
        found.left.extend(self.told(found.renamed.values()));
        found
    }

    /// What became of refs that travel under another name.
    fn told<'a>(&self, names: impl Iterator<Item = &'a String>) -> Vec<LeftRef> {
        let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
        names.for_each(|it| *by_kind.entry(kind(it)).or_default() += 1);
        let told = by_kind.into_iter().map(|(name, n)| {
            let kept = self.kept("*");
            let reason = format!("{n} of them hold commits of no branch and are kept as `{kept}`");
            LeftRef { name, reason }
        });
        told.collect()
    }
}

/// The number in the name of a change request's head.
pub(super) fn number(name: &str) -> Option<&str> {
    HEADS.iter().find_map(|(before, behind)| {
        let number = name.strip_prefix(before)?.strip_suffix(behind)?;
        let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
        is_number.then_some(number)
    })
}

/// A ref's name with its last parts for any: `refs/pull/*/head`.
fn kind(name: &str) -> String {
    let parts = name.split('/').enumerate();
    let is_any = |n: usize, part: &str| n == 2 || part.bytes().all(|it| it.is_ascii_digit());
    let parts = parts.map(|(n, part)| if is_any(n, part) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The refs that stay behind: one by one, or as one where there are many of a kind.
fn summed_up(left: &[(&str, &String, &'static str)]) -> Vec<LeftRef> {
    let mut by_kind: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for (name, _, reason) in left {
        let kind = HIDDEN.iter().find(|it| name.starts_with(*it)).map(|_| kind(name));
        by_kind.entry((kind.unwrap_or_default(), reason)).or_default().push(name);
    }
    let mut told = Vec::new();
    for ((kind, reason), names) in by_kind {
        if kind.is_empty() || names.len() <= MAX_NAMED {
            let one = |name: &&str| LeftRef { name: (*name).to_owned(), reason: reason.to_owned() };
            told.extend(names.iter().map(one));
        } else {
            let reason = format!("{} of them: {reason}", names.len());
            told.push(LeftRef { name: kind, reason });
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(refs: &[(&str, &str)]) -> RefList {
        let refs = refs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        RefList { head: None, refs }
    }

    fn names(list: &RefList) -> Vec<&str> {
        list.refs.keys().map(String::as_str).collect()
    }

    /// What a source of every host shows, and what a destination of each takes of it.
    #[test]
    fn every_pair_of_hosts_has_its_names() {
        let usual =
            ["refs/heads/main", "refs/tags/v1", "refs/notes/commits", "refs/replace/1", "refs/x/y"];
        let sources = [
            ("github", "refs/pull/7/head", "refs/pull/7/merge"),
            ("gitea", "refs/pull/7/head", "refs/for/main"),
            ("gitlab", "refs/merge-requests/7/head", "refs/keep-around/1"),
            ("bitbucket-server", "refs/pull-requests/7/from", "refs/stash-refs/pull-requests/7"),
            ("git", "refs/pull/7/head", "refs/remotes/origin/main"),
        ];
        for (source, head, other) in sources {
            let mut refs: Vec<_> = usual.iter().map(|it| (*it, "1")).collect();
            refs.extend([(head, "7"), (other, "8")]);
            let list = list(&refs);
            for sink in ["github", "gitea", "gitlab", "bitbucket-server", "bitbucket-cloud", "git"]
            {
                let found = RefPolicy::between(source, sink).selection(&list);

                let mut expected = usual.to_vec();
                expected.push("refs/packhorse/change-requests/7/head");
                expected.sort_unstable();
                assert_eq!(names(&found.wanted), expected, "{source} to {sink}");
                assert_eq!(found.renamed[&RefPolicy::MIRROR.kept("7")], head);
                let left: Vec<_> = found.left.iter().map(|it| it.name.as_str()).collect();
                assert_eq!(left, [other, &kind(head)], "{source} to {sink}");
            }
            for sink in ["local", "packhorse-archive", "github-archive"] {
                let found = RefPolicy::between(source, sink).selection(&list);
                assert_eq!(found.wanted, list, "{source} to {sink}");
                assert_eq!(found.left, []);
            }
        }
    }

    #[test]
    fn a_change_request_whose_branch_is_there_needs_no_other_name() {
        let policy = RefPolicy::between("github", "gitea");

        let found = policy.selection(&list(&[("refs/heads/fix", "7"), ("refs/pull/1/head", "7")]));

        assert_eq!(names(&found.wanted), ["refs/heads/fix"]);
        assert_eq!(found.left[0].name, "refs/pull/1/head");
    }

    #[test]
    fn a_name_that_is_taken_is_not_given_twice() {
        let kept = RefPolicy::MIRROR.kept("7");
        let list = list(&[(&kept, "1"), ("refs/pull/7/head", "2")]);

        let found = RefPolicy::between("gitea", "github").selection(&list);

        assert_eq!(found.wanted.refs[&kept], "1");
        assert_eq!(found.left[0].name, "refs/pull/7/head");
    }

    #[test]
    fn many_refs_of_a_kind_are_told_as_one() {
        let refs: Vec<_> = (0..500).map(|n| format!("refs/keep-around/{n}")).collect();
        let refs: Vec<_> = refs.iter().map(|it| (it.as_str(), "1")).collect();

        let found = RefPolicy::between("gitlab", "gitea").selection(&list(&refs));

        assert_eq!(found.left.len(), 1);
        assert_eq!(found.left[0].name, "refs/keep-around/*");
        assert!(found.left[0].reason.starts_with("500 of them"), "{:?}", found.left);
    }

    #[test]
    fn a_namespace_is_one_that_refs_can_have() {
        let policy = RefPolicy::between("github", "gitea");

        let kept = policy.clone().keeping("refs/heads/reviewed/").map(|it| it.kept("7"));
        assert_eq!(kept.as_deref(), Some("refs/heads/reviewed/7/head"));
        for bad in ["heads/x", "refs/pull", "refs/a b", "refs/../x", "", "refs/packhorse/parts"] {
            assert_eq!(policy.clone().keeping(bad), None, "{bad}");
        }
    }

    #[test]
    fn hidden_refs_stay_behind_unless_everything_travels() {
        let host = RefPolicy::between("github", "gitea");
        let store = RefPolicy::between("github", "local");

        assert!(host.leaves("refs/pull/1/head").is_some());
        assert!(host.leaves("refs/notes/commits").is_none());
        assert!(store.leaves("refs/pull/1/head").is_none());
    }
}
