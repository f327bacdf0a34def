//! What somebody should look at before anything moves.

use super::draft::Sides;
use crate::{Ends, EngineError, verify::projects_of};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind,
    job::JobOptions,
    plan::{Conflict, PlannedProject},
};
use std::collections::{BTreeMap, BTreeSet};

/// Finds what stands in the way of these projects.
///
/// `ours` are paths at the destination that earlier jobs of the same route wrote.
pub(super) async fn conflicts(
    ends: &Ends,
    options: &JobOptions,
    sides: &Sides,
    projects: &[PlannedProject],
    ours: &BTreeSet<String>,
) -> Result<Vec<Conflict>, EngineError> {
    let mut list = doubles(projects);
    // Where projects have no record of their own there is one place, and it is meant to be there.
    if sides.sink.of(ObjectKind::Project).is_some() && sides.sink_lists_projects {
        let there = existing(ends).await?;
        let taken =
            projects.iter().filter(|it| there.contains(&it.target) && !ours.contains(&it.target));
        list.extend(taken.map(|it| Conflict {
            project: Some(it.source.clone()),
            detail: format!(
                "there is a project `{}` at the destination that no job of this route made",
                it.target
            ),
            blocks: !options.force,
        }));
    }
    Ok(list)
}

/// Projects that would get one path, or paths that differ in case alone.
fn doubles(projects: &[PlannedProject]) -> Vec<Conflict> {
    let mut seen: BTreeMap<String, &PlannedProject> = BTreeMap::new();
    let mut list = Vec::new();
    for project in projects {
        let Some(first) = seen.insert(project.target.to_lowercase(), project) else { continue };
        let same = first.target == project.target;
        let detail = if same {
            format!("it and `{}` would both become `{}`", first.source, project.target)
        } else {
            format!(
                "`{}` and `{}` differ in case alone, and some hosts take them for one",
                first.target, project.target
            )
        };
        list.push(Conflict { project: Some(project.source.clone()), detail, blocks: same });
    }
    list
}

/// Paths of the projects that are at the destination; none when there is nothing to read yet.
async fn existing(ends: &Ends) -> Result<BTreeSet<String>, HostError> {
    let nothing_yet = |error: &HostError| {
        matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Unsupported)
    };
    let reader = match (ends.reader)() {
        Err(error) if nothing_yet(&error) => return Ok(BTreeSet::new()),
        reader => reader?,
    };
    match projects_of(&*reader).await {
        Err(error) if nothing_yet(&error) => Ok(BTreeSet::new()),
        list => list.map(BTreeSet::from_iter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &[bool]) {
        let project = |(source, target): &(&str, &str)| PlannedProject {
            source: (*source).to_owned(),
            target: (*target).to_owned(),
            records: None,
            bytes: None,
        };
        let projects: Vec<_> = pairs.iter().map(project).collect();

        let blocks: Vec<_> = doubles(&projects).into_iter().map(|it| it.blocks).collect();

        assert_eq!(blocks, expected);
    }

    #[test]
    fn two_projects_at_one_path_block_and_case_is_told() {
        check(&[("a/x", "a/x"), ("b/x", "b/x")], &[]);
        check(&[("a/x", "c/x"), ("b/x", "c/x")], &[true]);
        check(&[("a/x", "a/x"), ("A/x", "A/x")], &[false]);
    }
}
