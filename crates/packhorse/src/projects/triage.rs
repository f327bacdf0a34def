//! What is to become of each project, decided before anything moves.

use super::{
    host::Host,
    mapping::Mappings,
    project::Project,
    source::Listed,
    survey::{Repository, Survey, SurveyError},
};
use futures::{StreamExt, stream};
use packhorse_core::{
    Lane, ObjectKind, Scope,
    port::{ItemQuery, Journal, JournalError},
};
use packhorse_git::{Git, RefList, RefPolicy};
use std::{collections::BTreeMap, sync::Arc};

/// Refs that are told by name.
const MAX_NAMED: usize = 5;

/// What is to become of a project.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is carried.
    Carry(Listed, How),
    /// It is left alone, and why.
    Skip(String),
    /// It cannot be carried, why, and what to do.
    Fail(String),
}

/// How a project is carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing of it is at the destination.
    New,
    /// An earlier run of ours carried it: what is new goes.
    Again,
    /// Its repository is there, empty or with a part of what the origin has.
    Complete,
    /// Its repository is there and has refs that the origin does not have so.
    Replace(Refs),
}

/// Refs of which some are told by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refs {
    pub(super) n: usize,
    some: Vec<String>,
}

impl Refs {
    fn of(names: &[String]) -> Self {
        Self { n: names.len(), some: names.iter().take(MAX_NAMED).cloned().collect() }
    }

    /// Their number and names.
    pub(super) fn told(&self) -> String {
        let more = if self.n > self.some.len() { ", …" } else { "" };
        format!("{} refs ({}{more})", self.n, self.some.join(", "))
    }
}

/// What earlier runs over the same route have written.
pub(super) struct Earlier {
    pub(super) journal: Arc<dyn Journal>,
    /// Number of the route; none before its first run.
    pub(super) route: Option<u64>,
}

impl Earlier {
    /// Whether a run of ours wrote the project of that path.
    async fn wrote(&self, path: &str) -> Result<bool, JournalError> {
        let Some(route) = self.route else { return Ok(false) };
        let lane = Lane::new(Scope::Project(path.to_owned()), ObjectKind::Project);
        let items = self.journal.items(route, &lane, &ItemQuery::After(None, 1)).await?;
        Ok(!items.is_empty())
    }
}

/// What verdicts depend on.
pub(super) struct Triage<'a> {
    pub(super) origin: &'a Survey,
    pub(super) destination: &'a Survey,
    pub(super) hosts: (&'a Host, &'a Host),
    pub(super) mappings: &'a Mappings,
    pub(super) earlier: &'a Earlier,
    pub(super) git: (&'a Git, &'a RefPolicy),
    /// Whether what differs at the destination is replaced.
    pub(super) force: bool,
}

impl Triage<'_> {
    /// Judges all projects, some at a time; in their order.
    pub(super) async fn judge_all(
        &self,
        projects: &[Project],
        at_once: usize,
    ) -> Result<Vec<Verdict>, JournalError> {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for project in projects {
            *names.entry(project.repository_name().to_lowercase()).or_default() += 1;
        }
        let is_double = |it: &Project| names.get(&it.repository_name().to_lowercase()) > Some(&1);
        let verdicts = stream::iter(projects).map(|project| async move {
            match is_double(project) {
                true => Ok(Verdict::Fail(format!(
                    "two projects of the database would both be called `{}`: give one of them \
                     another owner",
                    project.repository_name()
                ))),
                false => self.judge(project).await,
            }
        });
        let verdicts: Vec<_> = verdicts.buffered(at_once).collect().await;
        verdicts.into_iter().collect()
    }

    /// The path that a project gets at the destination.
    pub(super) fn path(&self, project: &Project) -> String {
        format!("{}/{}", self.hosts.1.organization, project.repository_name())
    }

    async fn judge(&self, project: &Project) -> Result<Verdict, JournalError> {
        if let Err(unfit) = project.fitness(self.hosts.1.api.longest_name()) {
            return Ok(Verdict::Fail(unfit.told()));
        }
        let Some(at_origin) = self.origin.find(&project.origin_name()) else {
            return Ok(Verdict::Fail(format!(
                "it has no repository `{}/{}` at the origin: look whether it was ever opened, or \
                 remove it on the platform",
                self.hosts.0.organization,
                project.origin_name()
            )));
        };
        let listed = Listed {
            origin: at_origin.path.clone(),
            description: at_origin.description.clone(),
            default_branch: at_origin.default_branch.clone(),
            members: project.members(self.mappings),
            before: None,
        };
        let Some(there) = self.destination.find(&project.repository_name()) else {
            return Ok(Verdict::Carry(listed, How::New));
        };
        if self.earlier.wrote(&self.path(project)).await? && !self.force {
            return Ok(Verdict::Carry(listed, How::Again));
        }
        Ok(match self.differing(at_origin, there).await {
            Ok(differing) => self.verdict_on(listed, there, &differing),
            Err(error) => Verdict::Fail(format!(
                "what is at both ends could not be compared: {}; run again",
                packhorse_core::error::chain(&error)
            )),
        })
    }

    /// Refs of the destination that are not at the origin, or not so.
    async fn differing(
        &self,
        at_origin: &Repository,
        there: &Repository,
    ) -> Result<Vec<String>, SurveyError> {
        let (expected, found) = futures::try_join!(
            self.origin.refs(at_origin, self.git),
            self.destination.refs(there, self.git)
        )?;
        Ok(differing(&expected, &found))
    }

    fn verdict_on(&self, listed: Listed, there: &Repository, differing: &[String]) -> Verdict {
        match differing {
            [] => Verdict::Carry(listed, How::Complete),
            _ if self.force => Verdict::Carry(listed, How::Replace(Refs::of(differing))),
            [first, ..] => Verdict::Skip(format!(
                "`{}` is at the destination already, and {} of its refs, such as {first}, are not \
                 as at the origin: --force-migrate replaces them",
                there.path,
                differing.len()
            )),
        }
    }
}

fn differing(expected: &RefList, found: &RefList) -> Vec<String> {
    let differ = found.refs.iter().filter(|(name, id)| expected.refs.get(*name) != Some(*id));
    differ.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(list: &[(&str, &str)]) -> RefList {
        let refs = list.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned()));
        RefList { head: None, refs: refs.collect() }
    }

    #[test]
    fn refs_that_are_replaced_are_named_up_to_some() {
        let names: Vec<_> = (1..=6).map(|n| format!("r{n}")).collect();

        assert_eq!(Refs::of(&names[..2]).told(), "2 refs (r1, r2)");
        assert_eq!(Refs::of(&names).told(), "6 refs (r1, r2, r3, r4, r5, …)");
    }

    #[test]
    fn a_part_of_what_the_origin_has_does_not_differ() {
        let origin = refs(&[("refs/heads/a", "1"), ("refs/tags/b", "2")]);

        assert!(differing(&origin, &refs(&[])).is_empty());
        assert!(differing(&origin, &refs(&[("refs/tags/b", "2")])).is_empty());
        assert_eq!(differing(&origin, &refs(&[("refs/tags/b", "3")])), ["refs/tags/b"]);
        assert_eq!(differing(&origin, &refs(&[("refs/heads/c", "1")])), ["refs/heads/c"]);
    }
}
