//! Which projects are carried, and what they are called at the destination.

use crate::EngineError;
use packhorse_core::job::JobOptions;

/// Which projects are carried, and what they are called at the destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathPlan<'a> {
    only: Option<&'a str>,
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
        Ok(Self { only: options.project.as_deref(), target })
    }

    /// Path of a project at the destination; `None` when it is not carried.
    pub(crate) fn target(&self, source: &str) -> Option<String> {
        if self.only.is_some_and(|only| only != source) {
            return None;
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
fn is_path(text: &str) -> bool {
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
