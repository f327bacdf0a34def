//! What somebody should look at before anything moves.

use super::{draft::Sides, paths::PathPlan};
use crate::{Ends, EngineError, verify::projects_of};
use packhorse_core::{
    HostError, HostErrorKind, Numbering, ObjectKind, Scope,
    conflict::{About, Choice, Resolution},
    job::JobOptions,
    plan::{Conflict, PlannedProject},
    port::Source,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What conflicts are looked for with.
pub(super) struct Search<'a> {
    pub(super) ends: &'a Ends,
    pub(super) options: &'a JobOptions,
    pub(super) sides: &'a Sides,
    pub(super) paths: &'a PathPlan<'a>,
    /// Paths at the destination that earlier jobs of the same route wrote.
    pub(super) ours: &'a BTreeSet<String>,
    /// Projects of the source that have issues or change requests to carry.
    pub(super) numbered: &'a BTreeSet<String>,
}

impl Search<'_> {
    /// Finds what stands in the way of these projects.
    pub(super) async fn among(
        &self,
        projects: &[PlannedProject],
    ) -> Result<Vec<Conflict>, EngineError> {
        let mut list = doubles(projects);
        // Where projects have no record of their own there is one place, and it is meant to be there.
        if self.sides.sink.of(ObjectKind::Project).is_some() && self.sides.sink_lists_projects {
            self.taken(projects, &mut list).await?;
        }
        Ok(list)
    }

    /// Finds projects whose path is another's at the destination.
    async fn taken(
        &self,
        projects: &[PlannedProject],
        list: &mut Vec<Conflict>,
    ) -> Result<(), EngineError> {
        let Some(reader) = reader(self.ends)? else { return Ok(()) };
        let there = existing(&*reader).await?;
        let ours: BTreeSet<String> = self.ours.iter().map(|it| it.to_lowercase()).collect();
        for project in projects {
            // Most hosts take paths that differ in case alone for one.
            let key = project.target.to_lowercase();
            let Some(theirs) = there.get(&key).filter(|_| !ours.contains(&key)) else { continue };
            let decided = self.paths.decided(&project.source, About::Name);
            list.push(self.name_taken(project, theirs, decided));
            if self.numbered.contains(&project.source) {
                let n = used_numbers(&*reader, theirs).await?;
                list.extend((n != Some(0)).then(|| self.numbers_taken(project, theirs, n)));
            }
        }
        Ok(())
    }

    fn name_taken(
        &self,
        project: &PlannedProject,
        theirs: &str,
        decided: Option<&Resolution>,
    ) -> Conflict {
        let (about, choices) = (About::Name, About::Name.choices().to_vec());
        let found = format!(
            "there is a project `{theirs}` at the destination that no job of this route made"
        );
        let (detail, blocks) = match decided {
            Some(it) if it.choice == Choice::Merge => {
                (format!("{found}; it is carried into that, as {} says", it.said), false)
            }
            Some(it) => (format!("{found}, also under the name of {}", it.said), true),
            None => (found, !self.options.force),
        };
        Conflict { project: Some(project.source.clone()), detail, blocks, about, choices }
    }

    fn numbers_taken(&self, project: &PlannedProject, theirs: &str, n: Option<u64>) -> Conflict {
        let about = About::Numbers;
        let many = n.map(|it| format!("{it} ")).unwrap_or_default();
        let (way, becomes) = match self.sides.sink.numbering {
            Numbering::Kept => (Choice::Merge, "what has the same number is replaced"),
            Numbering::OneRow | Numbering::TwoRows => {
                (Choice::Rename, "what is carried gets the next numbers that are free")
            }
        };
        let found =
            format!("`{theirs}` has {many}issues and change requests of its own: {becomes}");
        let (detail, blocks) = match self.paths.decided(&project.source, about) {
            Some(it) if it.choice == way => (format!("{found}, as {} says", it.said), false),
            Some(it) => (format!("{found}; `{}` is no way here", it.choice.name()), true),
            None => (found, !self.options.force),
        };
        let choices = vec![way, Choice::Skip];
        Conflict { project: Some(project.source.clone()), detail, blocks, about, choices }
    }
}

/// Projects that would get one path, or paths that differ in case alone.
fn doubles(projects: &[PlannedProject]) -> Vec<Conflict> {
    let mut groups: BTreeMap<String, Vec<&PlannedProject>> = BTreeMap::new();
    for project in projects {
        groups.entry(project.target.to_lowercase()).or_default().push(project);
    }
    let mut list = Vec::new();
    for group in groups.values().filter(|it| it.len() > 1) {
        for (n, project) in group.iter().enumerate() {
            let same = |other: &&&PlannedProject| other.target == project.target;
            let others = || group.iter().filter(|it| it.source != project.source);
            let (detail, blocks) = match (others().find(same), others().next()) {
                (Some(other), _) => {
                    let (other, target) = (&other.source, &project.target);
                    (format!("it and `{other}` would both become `{target}`"), true)
                }
                (None, Some(other)) if n > 0 => (
                    format!(
                        "`{}` and `{}` differ in case alone, and some hosts take them for one",
                        other.target, project.target
                    ),
                    false,
                ),
                (None, _) => continue,
            };
            let (project, about) = (Some(project.source.clone()), About::Twice);
            let choices = about.choices().to_vec();
            list.push(Conflict { project, detail, blocks, about, choices });
        }
    }
    list
}

fn nothing_yet(error: &HostError) -> bool {
    matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Unsupported)
}

/// Opens the destination for reading; `None` when there is nothing to read yet.
fn reader(ends: &Ends) -> Result<Option<Arc<dyn Source>>, HostError> {
    match (ends.reader)() {
        Err(error) if nothing_yet(&error) => Ok(None),
        reader => reader.map(Some),
    }
}

/// Paths of the projects that are there, by how they are written in small letters.
async fn existing(reader: &dyn Source) -> Result<BTreeMap<String, String>, HostError> {
    let list = match projects_of(reader).await {
        Err(error) if nothing_yet(&error) => Vec::new(),
        list => list?,
    };
    Ok(list.into_iter().map(|it| (it.to_lowercase(), it)).collect())
}

/// How many issues and change requests a project has; `None` where that cannot be told.
async fn used_numbers(reader: &dyn Source, path: &str) -> Result<Option<u64>, HostError> {
    let inventory = match reader.inventory(&Scope::Project(path.to_owned())).await {
        Err(error) if nothing_yet(&error) => return Ok(Some(0)),
        inventory => inventory?,
    };
    let of = |kind| inventory.records(kind);
    Ok(of(ObjectKind::Issue).zip(of(ObjectKind::ChangeRequest)).map(|(a, b)| a + b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &[(&str, bool)]) {
        let project = |(source, target): &(&str, &str)| PlannedProject {
            source: (*source).to_owned(),
            target: (*target).to_owned(),
            records: None,
            bytes: None,
        };
        let projects: Vec<_> = pairs.iter().map(project).collect();

        let found = doubles(&projects);

        let found: Vec<_> =
            found.iter().map(|it| (it.project.as_deref().unwrap(), it.blocks)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn all_that_would_get_one_path_are_blocked_and_case_is_told() {
        check(&[("a/x", "a/x"), ("b/x", "b/x")], &[]);
        check(&[("a/x", "c/x"), ("b/x", "c/x")], &[("a/x", true), ("b/x", true)]);
        check(&[("a/x", "a/x"), ("A/x", "A/x")], &[("A/x", false)]);
    }
}
