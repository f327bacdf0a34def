//! Which projects are carried, and what they are called at the destination.

use crate::EngineError;
use packhorse_core::{
    job::JobOptions,
    plan::Conflict,
    selection::{Pattern, Picker},
};
use std::collections::BTreeSet;

/// Which projects are carried, and what they are called at the destination.
#[derive(Clone, Debug)]
pub(crate) struct PathPlan<'a> {
    options: &'a JobOptions,
    picker: Picker<'a>,
    target: Target<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    /// Every project keeps its path.
    Same,
    /// The one project gets this path.
    Path(&'a str),
    /// Every project gets this owner, in place of the first part of its path.
    Owner(&'a str),
}

impl<'a> PathPlan<'a> {
    /// Reads the options: a target with a slash is a project's path, one without an owner.
    pub(crate) fn of(options: &'a JobOptions) -> Result<Self, EngineError> {
        let target = match options.target.as_deref() {
            None => Target::Same,
            Some(target) if !is_path(target) => {
                return Err(EngineError::Target { target: target.to_owned() });
            }
            Some(path) if path.contains('/') => Target::Path(path),
            Some(owner) => Target::Owner(owner),
        };
        Ok(Self { options, picker: options.selection.picker(), target })
    }

    /// Whether a project of the source is meant.
    pub(crate) fn picks(&self, source: &str) -> bool {
        self.options.project.as_deref().is_none_or(|only| only == source)
            && self.picker.wants(source)
    }

    /// What was named and is not at the source, given those that are.
    ///
    /// A pair means one project, which then does not arrive; a pattern may well match nothing.
    pub(crate) fn unmatched(&self, there: &BTreeSet<&str>) -> Vec<Conflict> {
        let selection = &self.options.selection;
        if self.options.project.is_some() {
            return Vec::new();
        }
        let is_gone = |it: &str| !there.contains(it) && self.picker.wants(it);
        let gone = selection.pairs.iter().filter(|it| is_gone(&it.source)).map(|pair| Conflict {
            project: Some(pair.source.clone()),
            detail: format!("{} names it, and the source has no such project", pair.said),
            blocks: true,
        });
        let matches_none = |it: &&Pattern| !there.iter().any(|one| it.matches(one));
        let idle = selection.include.iter().filter(matches_none).map(|pattern| Conflict {
            project: None,
            detail: format!("no project of the source is like `{pattern}`"),
            blocks: false,
        });
        gone.chain(idle).collect()
    }

    /// Path of a project at the destination; `None` when it is not carried.
    pub(crate) fn target(&self, source: &str) -> Option<String> {
        if !self.picks(source) {
            return None;
        }
        if let Some(target) = self.picker.target(source) {
            return Some(target.to_owned());
        }
        Some(match self.target {
            Target::Same => source.to_owned(),
            Target::Path(path) => path.to_owned(),
            Target::Owner(owner) => match source.split_once('/') {
                Some((_, rest)) => format!("{owner}/{rest}"),
                None => format!("{owner}/{source}"),
            },
        })
    }
}

/// SECURITY: a path that climbs or hides would leave the place it is made in.
pub(crate) fn is_path(text: &str) -> bool {
    text.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !text.chars().any(|c| c.is_control() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(project: Option<&str>, target: Option<&str>, source: &str, expected: Option<&str>) {
        let options = JobOptions {
            project: project.map(str::to_owned),
            target: target.map(str::to_owned),
            ..JobOptions::default()
        };

        assert_eq!(PathPlan::of(&options).unwrap().target(source).as_deref(), expected);
    }

    #[test]
    fn without_options_everything_keeps_its_path() {
        check(None, None, "acme/app", Some("acme/app"));
    }

    #[test]
    fn one_project_can_be_picked_and_renamed() {
        check(Some("acme/app"), None, "acme/lib", None);
        check(Some("acme/app"), Some("new/name"), "acme/app", Some("new/name"));
    }

    #[test]
    fn a_new_owner_takes_the_place_of_the_first_part() {
        check(None, Some("new"), "acme/app", Some("new/app"));
        check(None, Some("new"), "acme/group/app", Some("new/group/app"));
        check(None, Some("new"), "app", Some("new/app"));
    }

    #[test]
    fn a_target_that_climbs_is_refused() {
        for target in ["../x", "a//b", "a/./b", "/a", "a\\b", "a\nb"] {
            let options = JobOptions { target: Some(target.into()), ..JobOptions::default() };

            assert!(PathPlan::of(&options).is_err(), "{target:?}");
        }
    }
}
