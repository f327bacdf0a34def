//! Projects that get another path at the destination.

use packhorse_core::{
    Object, Record,
    model::{Grantee, Place},
    port::{Context, Transform},
};
use std::{collections::BTreeMap, sync::Arc};

/// Which project becomes which, for the projects of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathMap {
    projects: BTreeMap<String, String>,
    owners: BTreeMap<String, String>,
}

impl PathMap {
    /// The map of these pairs of source path and target path.
    ///
    /// What owns a project follows it, as long as the project keeps its own name.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut map = Self::default();
        for (source, target) in pairs {
            if let (Some((from, a)), Some((to, b))) =
                (source.rsplit_once('/'), target.rsplit_once('/'))
                && a == b
                && from != to
            {
                map.owners.insert(from.to_owned(), to.to_owned());
            }
            map.projects.insert(source, target);
        }
        map
    }

    /// The path of a project of this job at the destination; `None` for any other project.
    pub fn project(&self, source: &str) -> Option<&str> {
        self.projects.get(source).map(String::as_str)
    }

    /// Whether every project keeps its path.
    pub fn is_identity(&self) -> bool {
        self.owners.is_empty() && self.projects.iter().all(|(source, target)| source == target)
    }

    /// Gives an object the paths that hold at the destination.
    pub fn rewrite(&self, object: &mut Object) {
        match object {
            Object::Project(it) => {
                self.move_project(&mut it.path);
                it.forked_from.iter_mut().for_each(|path| self.move_project(path));
            }
            Object::Organization(it) => self.move_owner(&mut it.path),
            Object::Team(it) => self.move_owner(&mut it.organization),
            Object::Member(it) => {
                self.place(&mut it.place);
                self.grantee(&mut it.grantee);
            }
            Object::ChangeRequest(it) => {
                for branch in [&mut it.base, &mut it.head] {
                    branch.project.iter_mut().for_each(|path| self.move_project(path));
                }
                let closes = it.closes.iter_mut().flat_map(|it| it.project.iter_mut());
                closes.for_each(|path| self.move_project(path));
                it.review_requests.iter_mut().for_each(|it| self.grantee(&mut it.reviewer));
            }
            Object::Event(it) => {
                it.commit_project.iter_mut().for_each(|path| self.move_project(path));
            }
            Object::BranchRule(it) => {
                let grantees = it.pushers.iter_mut().chain(&mut it.mergers);
                grantees.chain(&mut it.dismissers).for_each(|it| self.grantee(it));
            }
            Object::TagRule(it) => it.creators.iter_mut().for_each(|it| self.grantee(it)),
            Object::User(_)
            | Object::Topic(_)
            | Object::LfsObject(_)
            | Object::Repository(_)
            | Object::Wiki(_)
            | Object::Label(_)
            | Object::Milestone(_)
            | Object::Attachment(_)
            | Object::Issue(_)
            | Object::Review(_)
            | Object::ReviewThread(_)
            | Object::ReviewComment(_)
            | Object::DiscussionCategory(_)
            | Object::Discussion(_)
            | Object::Snippet(_)
            | Object::CommitComment(_)
            | Object::Comment(_)
            | Object::Reaction(_)
            | Object::CommitStatus(_)
            | Object::Release(_)
            | Object::ReleaseAsset(_)
            | Object::Board(_)
            | Object::Webhook(_)
            | Object::DeployKey(_)
            | Object::Variable(_)
            | Object::State(_) => {}
        }
    }

    fn move_project(&self, path: &mut String) {
        if let Some(target) = self.projects.get(path) {
            path.clone_from(target);
        }
    }

    fn move_owner(&self, path: &mut String) {
        if let Some(target) = self.owners.get(path) {
            path.clone_from(target);
        }
    }

    fn place(&self, place: &mut Place) {
        match place {
            Place::Project => {}
            Place::ProjectAt(path) => self.move_project(path),
            Place::Organization(organization) | Place::Team { organization, .. } => {
                self.move_owner(organization);
            }
        }
    }

    fn grantee(&self, grantee: &mut Grantee) {
        if let Grantee::Team { organization, .. } = grantee {
            self.move_owner(organization);
        }
    }
}

/// Gives projects and what refers to them their paths at the destination.
#[derive(Debug)]
pub struct Paths {
    map: Arc<PathMap>,
}

impl Paths {
    /// The step for that map.
    pub fn new(map: Arc<PathMap>) -> Self {
        Self { map }
    }
}

impl Transform for Paths {
    fn name(&self) -> &'static str {
        "paths"
    }

    fn apply(&self, _: &Context<'_>, record: &mut Record) {
        self.map.rewrite(&mut record.object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Branch, ChangeRequest, Organization, Project};

    fn map(pairs: &[(&str, &str)]) -> PathMap {
        PathMap::new(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())))
    }

    fn project(path: &str) -> Object {
        Object::from(Project { path: path.into(), ..Project::default() })
    }

    #[track_caller]
    fn check(map: &PathMap, mut object: Object, expected: &Object) {
        map.rewrite(&mut object);

        assert_eq!(&object, expected);
    }

    #[test]
    fn a_project_and_its_owner_move() {
        let map = map(&[("old/app", "new/app"), ("old/lib", "new/lib")]);
        let owner = |path: &str| {
            Object::from(Organization { path: path.into(), ..Organization::default() })
        };

        check(&map, project("old/app"), &project("new/app"));
        check(&map, owner("old"), &owner("new"));
        check(&map, project("other/app"), &project("other/app"));
    }

    #[test]
    fn a_renamed_project_leaves_its_owner_where_it_is() {
        let map = map(&[("old/app", "old/application")]);

        check(&map, project("old/app"), &project("old/application"));
        assert_eq!(map.owners.len(), 0);
        assert!(!map.is_identity());
    }

    #[test]
    fn a_branch_follows_its_project() {
        let map = map(&[("old/app", "new/app")]);
        let request = |path: &str| {
            let head = Branch { project: Some(path.into()), ..Branch::default() };
            Object::from(ChangeRequest { head, ..ChangeRequest::default() })
        };

        check(&map, request("old/app"), &request("new/app"));
        check(&map, request("fork/app"), &request("fork/app"));
    }
}
