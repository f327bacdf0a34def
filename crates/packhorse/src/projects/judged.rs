//! All projects of a run, each with its verdict.

use super::{mapping::Mappings, project::Project, source::Listed, survey::Survey, triage::Verdict};
use std::collections::BTreeSet;

/// Projects, their paths at the destination, and what is to become of them.
pub(super) struct Judged<'a> {
    pub(super) projects: &'a [Project],
    /// Who is who, those without an account at the destination apart.
    pub(super) mappings: &'a Mappings,
    pub(super) paths: Vec<String>,
    pub(super) verdicts: &'a [Verdict],
    pub(super) ends: (&'a Survey, &'a Survey),
}

impl Judged<'_> {
    /// Each with its path at the destination.
    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &Project, &Verdict)> {
        let both = self.projects.iter().zip(self.verdicts);
        self.paths
            .iter()
            .zip(both)
            .map(|(path, (project, verdict))| (path.as_str(), project, verdict))
    }

    /// What is carried, by its path.
    pub(super) fn listed(&self) -> Vec<(String, &Listed)> {
        let carried = self.each().filter_map(|(path, _, verdict)| match verdict {
            Verdict::Carry(listed, _) => Some((path.to_owned(), listed)),
            Verdict::Skip(_) | Verdict::Fail(_) => None,
        });
        carried.collect()
    }

    /// Repositories of the origin that belong to no project.
    pub(super) fn strangers(&self) -> Vec<String> {
        let ours: BTreeSet<String> =
            self.projects.iter().map(|it| it.origin_name().to_lowercase()).collect();
        let all = self.ends.0.repositories.iter();
        all.filter(|(name, _)| !ours.contains(*name)).map(|(_, it)| it.path.clone()).collect()
    }
}
