//! Refs that are pushed in turns, where one of them makes a destination refuse all.
//!
//! A hook that looks at a push as a whole declines it as a whole, often without
//! a word on which ref it minds. The refs are then pushed in groups, and a group
//! that is declined is halved, until those that are minded are alone.

use crate::pump::{RefCommand, Verdict};
use std::collections::BTreeSet;

/// Most pushes for which this is done: beyond, all that is left counts as refused.
const MAX_TURNS: usize = 200;

/// Names of refs that are pushed together.
pub(super) type Group = BTreeSet<String>;

/// The groups whose turn is still to come.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: Vec<Group>,
    n_taken: usize,
}

impl Turns {
    /// The group whose turn it is; `None` when there are no groups.
    pub(super) fn current(&self) -> Option<&Group> {
        self.waiting.last()
    }

    /// Takes in what became of the last push: whether there is another one to do, and whether
    /// the refs that were refused in it are so for good.
    pub(super) fn settle(&mut self, commands: &[RefCommand], verdict: &Verdict) -> Settled {
        self.skip();
        if is_wholesale(commands, verdict) && self.split(commands, &verdict.remarks) {
            return Settled { is_final: false, has_more: true };
        }
        Settled { is_final: true, has_more: self.current().is_some() }
    }

    /// Leaves out the group whose turn it is.
    pub(super) fn skip(&mut self) {
        self.n_taken += usize::from(self.waiting.pop().is_some());
    }

    /// Makes two groups of one; whether that is possible.
    pub(super) fn split(&mut self, commands: &[RefCommand], remarks: &str) -> bool {
        if self.n_taken >= MAX_TURNS || commands.len() < 2 {
            return false;
        }
        self.waiting.extend(groups(commands, remarks));
        true
    }
}

/// What a push has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// Whether what was refused is refused for good.
    pub(super) is_final: bool,
    /// Whether another push is to be done.
    pub(super) has_more: bool,
}

/// Whether a hook declined everything at once.
fn is_wholesale(commands: &[RefCommand], verdict: &Verdict) -> bool {
    let is_hook = |it: &RefCommand| {
        verdict.refused.get(&it.name).is_some_and(|reason| reason.contains("pre-receive"))
    };
    commands.iter().all(is_hook)
}

/// Those that the remarks name and the others; or two halves.
fn groups(commands: &[RefCommand], remarks: &str) -> [Group; 2] {
    let words = remarks.split(|it: char| it.is_whitespace() || "'\"`,".contains(it));
    let words: BTreeSet<&str> = words.map(|it| it.trim_end_matches(['.', ':'])).collect();
    let is_named = |it: &RefCommand| words.contains(it.name.as_str());
    let n_named = commands.iter().filter(|it| is_named(it)).count();
    let names = |of: &mut dyn Iterator<Item = &RefCommand>| of.map(|it| it.name.clone()).collect();
    if n_named > 0 && n_named < commands.len() {
        let named = names(&mut commands.iter().filter(|it| is_named(it)));
        return [named, names(&mut commands.iter().filter(|it| !is_named(it)))];
    }
    let (one, other) = commands.split_at(commands.len() / 2);
    [names(&mut one.iter()), names(&mut other.iter())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(names: &[String]) -> Vec<RefCommand> {
        let command = |name: &String| RefCommand { name: name.clone(), old: None, new: None };
        names.iter().map(command).collect()
    }

    /// Pushes to a hook that minds some refs; gives the number of pushes and what was refused.
    fn push(minded: &[&str], speaks: bool) -> (usize, Vec<String>) {
        let names: Vec<_> = (0..64).map(|n| format!("refs/heads/{n}")).collect();
        let mut turns = Turns::default();
        let (mut n_pushes, mut refused) = (0, Vec::new());
        loop {
            let group: Vec<_> = match turns.current() {
                Some(group) => group.iter().cloned().collect(),
                None => names.clone(),
            };
            let is_declined = group.iter().any(|it| minded.contains(&it.as_str()));
            let why = || "pre-receive hook declined".to_owned();
            let refusals = group.iter().filter(|_| is_declined).map(|it| (it.clone(), why()));
            let mut verdict = Verdict { refused: refusals.collect(), ..Verdict::default() };
            if speaks {
                verdict.remarks = format!("Rejected refs:\n  {}", minded.join("\n  "));
            }
            n_pushes += 1;
            let settled = turns.settle(&commands(&group), &verdict);
            if settled.is_final && is_declined {
                refused.extend(group);
            }
            if !settled.has_more {
                refused.sort();
                return (n_pushes, refused);
            }
        }
    }

    #[test]
    fn the_refs_that_are_minded_are_found() {
        let (n_pushes, refused) = push(&["refs/heads/7"], false);

        assert_eq!(refused, ["refs/heads/7"]);
        assert!(n_pushes <= 13, "{n_pushes}");
    }

    #[test]
    fn a_hook_that_names_them_saves_pushes() {
        let (n_pushes, refused) = push(&["refs/heads/7", "refs/heads/9"], true);

        assert_eq!(refused, ["refs/heads/7", "refs/heads/9"]);
        assert_eq!(n_pushes, 5);
    }

    #[test]
    fn a_push_that_is_taken_has_no_turns() {
        assert_eq!(push(&[], false), (1, Vec::new()));
    }

    #[test]
    fn a_hook_that_minds_everything_is_not_asked_for_ever() {
        let names: Vec<_> = (0..64).map(|n| format!("refs/heads/{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();

        let (n_pushes, refused) = push(&names, false);

        assert_eq!(refused.len(), 64);
        assert!(n_pushes <= MAX_TURNS + 1, "{n_pushes}");
    }
}
