//! What has to be done, from what both ends have.

use super::{fetch::Wish, push::RefCommand};
use std::collections::{BTreeMap, BTreeSet};

/// Most objects that the source is told of as being at the destination: more
/// save little, and servers bound their requests.
const MAX_HAVES: usize = 20_000;

/// The refs of either end: object id by full name.
pub(crate) type Refs = BTreeMap<String, String>;

/// The commands that make `there` what is wanted. Removals stand first, since
/// a name can stand in the way of a longer one.
pub(crate) fn commands(
    wanted: &Refs,
    there: &Refs,
    removed: &[String],
    stays: &BTreeMap<String, String>,
) -> Vec<RefCommand> {
    let removals = removed.iter().map(|name| RefCommand {
        name: name.clone(),
        old: there.get(name).cloned(),
        new: None,
    });
    let updates = wanted
        .iter()
        .filter(|(name, id)| there.get(*name) != Some(*id) && !stays.contains_key(*name))
        .map(|(name, id)| RefCommand {
            name: name.clone(),
            old: there.get(name).cloned(),
            new: Some(id.clone()),
        });
    removals.chain(updates).collect()
}

/// What the source is asked for, so that these commands can be carried out.
///
/// What has the best chance to be known at both ends is said first: the old
/// values of what moves, then what both ends list, then the rest.
pub(crate) fn wish(commands: &[RefCommand], offered: &Refs, there: &Refs, more: &[String]) -> Wish {
    let at_destination: BTreeSet<&str> = there.values().chain(more).map(String::as_str).collect();
    let wants: BTreeSet<&str> = commands
        .iter()
        .filter_map(|it| it.new.as_deref())
        .filter(|it| !at_destination.contains(it))
        .collect();
    let at_source: BTreeSet<&str> = offered.values().map(String::as_str).collect();
    let old = commands.iter().filter_map(|it| it.old.as_deref());
    let common = at_destination.iter().copied().filter(|it| at_source.contains(it));
    let all = old.chain(common).chain(at_destination.iter().copied());
    let mut said = BTreeSet::new();
    let haves = all.filter(|it| said.insert(*it)).take(MAX_HAVES).map(str::to_owned).collect();
    Wish {
        wants: wants.into_iter().map(str::to_owned).collect(),
        haves,
        is_thin: false,
        has_offsets: false,
        is_quiet: false,
        without: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(list: &[(&str, &str)]) -> Refs {
        list.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect()
    }

    #[test]
    fn only_what_differs_is_commanded_and_asked_for() {
        let wanted = refs(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "1")]);
        let there = refs(&[("a", "1"), ("b", "9"), ("c", "8"), ("x", "7")]);
        let stays = refs(&[("c", "not ours")]);

        let commands = commands(&wanted, &there, &["x".to_owned()], &stays);
        let wish = wish(&commands, &wanted, &there, &["6".to_owned()]);

        let names: Vec<_> = commands.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["x", "b", "d"]);
        assert_eq!(commands[1].old.as_deref(), Some("9"));
        assert_eq!(wish.wants, ["2"]);
        assert_eq!(wish.haves, ["7", "9", "1", "6", "8"]);
    }
}
