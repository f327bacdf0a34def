//! What came of a transfer, from what is there now.

use super::Transferred;
use crate::{
    error::RefusedRef,
    refs::{LeftRef, RefList},
};
use std::collections::{BTreeMap, BTreeSet};

/// Why refs stay as they are, by name.
pub(super) type Words = BTreeMap<String, String>;

pub(super) struct Tally {
    pub(super) wanted: RefList,
    pub(super) before: RefList,
    pub(super) after: RefList,
    pub(super) left: Vec<LeftRef>,
    pub(super) gone: Vec<String>,
    pub(super) words: Words,
}

/// Counts what is there now against what was there and what was wanted.
pub(super) fn account(tally: Tally, delete: bool) -> Transferred {
    let Tally { wanted, before, after, left, gone, words } = tally;
    let mut result = Transferred { left, ..Transferred::default() };
    let after_head = after.head.clone();
    result.refs.head = wanted.head.clone().or(after_head);
    for (name, id) in &wanted.refs {
        match after.refs.get(name) {
            Some(now) if now == id => match before.refs.get(name) {
                Some(old) if old == id => result.unchanged += 1,
                Some(_) => result.updated += 1,
                None => result.created += 1,
            },
            now => result.refused.push(RefusedRef {
                name: name.clone(),
                reason: words.get(name).cloned().unwrap_or_else(|| reason(now.is_some())),
            }),
        }
        if let Some(now) = after.refs.get(name) {
            result.refs.refs.insert(name.clone(), now.clone());
        }
    }
    let still: BTreeSet<_> = gone.iter().filter(|it| after.refs.contains_key(*it)).collect();
    result.deleted = (gone.len() - still.len()) as u64;
    if delete {
        result.refused.extend(still.iter().map(|name| RefusedRef {
            name: (*name).clone(),
            reason: words.get(*name).cloned().unwrap_or_else(|| "could not be removed".into()),
        }));
    }
    result.gone = still.into_iter().cloned().collect();
    result
}

pub(super) fn reason(is_there: bool) -> String {
    if is_there {
        "somebody moved it at the destination; `--force` overwrites it".to_owned()
    } else {
        "it did not arrive: its name may collide with another ref's".to_owned()
    }
}

/// Refs that cannot be made because another is in the place of their directory, or they in its.
pub(super) fn collisions(
    wanted: &BTreeMap<String, String>,
    there: &BTreeMap<String, String>,
    removed: &[String],
) -> Words {
    let removed: BTreeSet<&String> = removed.iter().collect();
    let stands = |name: &str| there.contains_key(name) && !removed.contains(&name.to_owned());
    let mut words = Words::new();
    for name in wanted.keys().filter(|it| !there.contains_key(*it)) {
        let above = name.match_indices('/').map(|(n, _)| &name[..n]);
        let above = above.into_iter().find(|it| stands(it) || wanted.contains_key(*it));
        let below = format!("{name}/");
        let below = there.range(below.clone()..).map(|(it, _)| it);
        let below = below.take_while(|it| it.starts_with(&format!("{name}/")));
        let below = below.map(String::as_str).find(|it| stands(it));
        if let Some(other) = above.or(below) {
            let why = format!("`{other}` is in its way: Git has no ref inside another; rename one");
            words.insert(name.clone(), why);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|it| ((*it).to_owned(), "1".to_owned())).collect()
    }

    #[test]
    fn a_ref_inside_another_is_told() {
        let there = refs(&["refs/heads/a", "refs/heads/b/c", "refs/heads/d"]);
        let wanted = refs(&["refs/heads/a/x", "refs/heads/b", "refs/heads/d", "refs/heads/e"]);

        let words = collisions(&wanted, &there, &[]);

        assert_eq!(words.keys().collect::<Vec<_>>(), ["refs/heads/a/x", "refs/heads/b"]);
        assert!(words["refs/heads/b"].contains("`refs/heads/b/c`"), "{words:?}");
        let removed = ["refs/heads/a".to_owned(), "refs/heads/b/c".to_owned()];
        assert_eq!(collisions(&wanted, &there, &removed), Words::new());
    }
}
