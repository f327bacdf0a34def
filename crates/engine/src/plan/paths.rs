//! Which projects are carried, and what they are called at the destination.

use crate::EngineError;
use packhorse_core::{
    conflict::{About, Choice, Resolution},
    job::JobOptions,
    plan::Conflict,
    selection::{Pattern, Picker},
};
use std::collections::{BTreeMap, BTreeSet};

/// Which projects are carried, and what they are called at the destination.
#[derive(Clone, Debug)]
pub(crate) struct PathPlan<'a> {
    options: &'a JobOptions,
    picker: Picker<'a>,
    decided: BTreeMap<&'a str, Vec<&'a Resolution>>,
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
        let mut decided: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for resolution in &options.resolutions {
            decided.entry(resolution.project.as_str()).or_default().push(resolution);
        }
        let paths = Self { options, picker: options.selection.picker(), decided, target };
        let mut targets = options.resolutions.iter().filter_map(|it| it.target.as_deref());
        match targets.find(|it| !is_path(it)) {
            Some(target) => Err(EngineError::Target { target: target.to_owned() }),
            None => Ok(paths),
        }
    }

    /// Whether a project of the source is meant.
    pub(crate) fn picks(&self, source: &str) -> bool {
        self.is_meant(source) && self.left_out(source).is_none()
    }

    fn is_meant(&self, source: &str) -> bool {
        self.options.project.as_deref().is_none_or(|only| only == source)
            && self.picker.wants(source)
    }

    fn choices(&self, source: &str) -> impl Iterator<Item = &'a Resolution> {
        self.decided.get(source).into_iter().flatten().copied()
    }

    /// What was decided about a conflict of a project.
    pub(super) fn decided(&self, source: &str, about: About) -> Option<&'a Resolution> {
        self.choices(source).find(|it| it.about == about)
    }

    /// The decision not to carry a project.
    fn left_out(&self, source: &str) -> Option<&'a Resolution> {
        self.choices(source).find(|it| matches!(it.choice, Choice::Skip | Choice::Map))
    }

    /// Projects that are not carried because others stand for them, with the paths of those.
    pub(crate) fn mapped(&self) -> Vec<(String, String)> {
        let mapped = self.decided.keys().filter_map(|source| {
            let choice = self.left_out(source).filter(|it| it.choice == Choice::Map)?;
            let target = choice.target.clone().unwrap_or_else(|| self.rule(source));
            self.is_meant(source).then(|| ((*source).to_owned(), target))
        });
        mapped.collect()
    }

    /// Notes about projects that are not carried because somebody decided so.
    pub(super) fn notes(&self) -> Vec<Conflict> {
        let meant = self.decided.keys().filter(|it| self.is_meant(it));
        let notes = meant.filter_map(|source| {
            let choice = self.left_out(source)?;
            let what = if choice.choice == Choice::Map {
                let target = choice.target.clone().unwrap_or_else(|| self.rule(source));
                format!("`{target}` stands for it")
            } else {
                "it is left out".to_owned()
            };
            let detail = format!("{what}, as {} says", choice.said);
            Some(Conflict::note(Some((*source).to_owned()), detail))
        });
        notes.collect()
    }

    /// What was named and is not at the source, given those that are.
    ///
    /// A pair means one project, which then does not arrive; a pattern may well match nothing.
    pub(crate) fn unmatched(&self, there: &BTreeSet<&str>) -> Vec<Conflict> {
        let selection = &self.options.selection;
        if self.options.project.is_some() {
            return Vec::new();
        }
        let is_gone = |it: &str| !there.contains(it) && self.picks(it);
        let gone = selection.pairs.iter().filter(|it| is_gone(&it.source)).map(|pair| Conflict {
            project: Some(pair.source.clone()),
            detail: format!(
                "{} names `{}`, and the source has no such project",
                pair.said, pair.source
            ),
            blocks: true,
            about: About::Missing,
            choices: About::Missing.choices().to_vec(),
        });
        let matches_none = |it: &&Pattern| !there.iter().any(|one| it.matches(one));
        let idle = selection.include.iter().filter(matches_none).map(|pattern| {
            Conflict::note(None, format!("no project of the source is like `{pattern}`"))
        });
        gone.chain(idle).collect()
    }

    /// Path of a project at the destination; `None` when it is not carried.
    pub(crate) fn target(&self, source: &str) -> Option<String> {
        if !self.picks(source) {
            return None;
        }
        let renamed = self.choices(source).filter(|it| it.choice == Choice::Rename);
        let renamed = renamed.filter_map(|it| it.target.clone()).next();
        Some(renamed.unwrap_or_else(|| self.rule(source)))
    }

    /// Path of a project at the destination where no conflict changes it.
    fn rule(&self, source: &str) -> String {
        if let Some(target) = self.picker.target(source) {
            return target.to_owned();
        }
        match self.target {
            Target::Same => source.to_owned(),
            Target::Path(path) => path.to_owned(),
            Target::Owner(owner) => match source.split_once('/') {
                Some((_, rest)) => format!("{owner}/{rest}"),
                None => format!("{owner}/{source}"),
            },
        }
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
