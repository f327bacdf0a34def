//! Archives of groups: each with all groups below it, their people, labels and milestones.
//!
//! Labels and milestones of groups come as what projects inherit; which group has them is not told.
//! They go into the nearest group of the project, unless one above it has them: there nobody sees
//! them who did not before.
//!
//! Source: GitLab, `lib/gitlab/import_export/group/tree_saver.rb`, `tree_restorer.rb`,
//! `import_export.yml`.

use super::{
    export::{Rows, json},
    map, wire,
};
use crate::{
    container::TarWriter,
    gitlab_archive::people::People,
    spool::{ScopeRow, Spool, SpoolError},
};
use packhorse_core::{
    Object, ObjectKind,
    model::{Organization, Place},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the members of a group are found by.
pub(super) fn key(path: &str) -> String {
    format!("organization/{path}")
}

/// The paths above a path, the nearest first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(above, _)| above.rsplit_once('/'))
        .map(|(above, _)| above)
}

/// The groups that there are, and those that are between them.
fn known(spool: &Spool, shared: &ScopeRow) -> Result<BTreeMap<String, Organization>, SpoolError> {
    let mut groups: BTreeMap<String, Organization> = BTreeMap::new();
    let named = |path: &str| Organization { path: path.to_owned(), ..Organization::default() };
    spool.each(shared, ObjectKind::Organization, |it| {
        if let Object::Organization(it) = it.object {
            groups.insert(it.path.clone(), *it);
        }
        Ok(())
    })?;
    spool.each(shared, ObjectKind::Member, |it| {
        if let Object::Member(it) = it.object
            && let Place::Organization(path) = it.place
        {
            groups.entry(path).or_insert_with_key(|path| named(path));
        }
        Ok(())
    })?;
    let between: Vec<String> = groups
        .keys()
        .flat_map(|path| {
            let root = above(path).filter(|it| groups.contains_key(*it)).last();
            let is_below = move |it: &&str| root.is_some_and(|root| it.len() > root.len());
            above(path).filter(is_below).map(str::to_owned)
        })
        .collect();
    for path in between {
        groups.entry(path).or_insert_with_key(|path| named(path));
    }
    Ok(groups)
}

/// Writes the archives of all groups, each into what `begin` makes for its path.
pub(super) fn all(
    spool: &Spool,
    projects: &[ScopeRow],
    mut begin: impl FnMut(&str) -> Result<TarWriter, SpoolError>,
) -> Result<(), SpoolError> {
    let Some(shared) = spool.shared()? else { return Ok(()) };
    let groups = known(spool, &shared)?;
    let mut nearest: HashMap<&str, Vec<&ScopeRow>> = HashMap::new();
    for project in projects {
        if let Some(group) = above(&project.path).find(|it| groups.contains_key(*it)) {
            nearest.entry(group).or_default().push(project);
        }
    }
    for (path, root) in &groups {
        if above(path).any(|it| groups.contains_key(it)) {
            continue;
        }
        let below = groups.iter().filter(|(it, _)| above(it).any(|it| it == path));
        let mut tree: Vec<&Organization> = below.map(|(_, it)| it).collect();
        // Those above first, for the importer looks for them.
        tree.sort_by_key(|it| (it.path.matches('/').count(), &it.path));
        tree.insert(0, root);
        let mut tar = begin(path)?;
        let (people, taken) = (People::default(), HashSet::new());
        Tree { spool, shared: &shared, nearest: &nearest, people, taken }.write(&tree, &mut tar)?;
        tar.finish()?;
    }
    Ok(())
}

/// A group with those below it.
struct Tree<'a> {
    spool: &'a Spool,
    shared: &'a ScopeRow,
    /// The projects for which a group is the nearest.
    nearest: &'a HashMap<&'a str, Vec<&'a ScopeRow>>,
    people: People,
    /// Labels and milestones that a group has, by its path and theirs.
    taken: HashSet<(String, ObjectKind, String)>,
}

impl Tree<'_> {
    fn write(mut self, tree: &[&Organization], tar: &mut TarWriter) -> Result<(), SpoolError> {
        let Some(root) = tree.first() else { return Ok(()) };
        let origin = wire::Origin {
            path: Some(root.path.clone()),
            name: root.name.clone(),
            default_branch: None,
        };
        tar.small("packhorse.json", &json(&origin)?)?;
        let mut ids: HashMap<&str, u64> = HashMap::new();
        let mut all = Rows::begin(self.spool)?;
        for (id, group) in (1..).zip(tree) {
            let parent = above(&group.path).find_map(|it| ids.get(it)).copied();
            ids.insert(&group.path, id);
            all.row(&id)?;
            let attributes = map::project::write_group(group, (id, parent));
            tar.small(&format!("tree/groups/{id}.json"), &json(&attributes)?)?;
            self.members(id, &group.path, tar)?;
            self.labels(id, &group.path, tar)?;
            self.milestones(id, &group.path, tar)?;
        }
        all.end(("groups", "_all"), tar)?;
        let mut contributions = Rows::begin(self.spool)?;
        self.people.all().try_for_each(|it| contributions.row(&it))?;
        contributions.end(("groups/1", "user_contributions"), tar)
    }

    fn members(&mut self, id: u64, path: &str, tar: &mut TarWriter) -> Result<(), SpoolError> {
        let (people, mut rows) = (&mut self.people, Rows::begin(self.spool)?);
        self.spool.each_child(self.shared, ObjectKind::Member, &key(path), |it| {
            let Object::Member(it) = &it.object else { return Ok(()) };
            match map::project::write_member(it, people) {
                Some(row) => rows.row(&wire::Member { source_id: Some(id), ..row }),
                None => Ok(()),
            }
        })?;
        rows.end((&format!("groups/{id}"), "members"), tar)
    }

    /// Whether neither the group nor one above it has something of that title yet.
    fn is_new(&mut self, path: &str, kind: ObjectKind, title: &str) -> bool {
        let key = |path: &str| (path.to_owned(), kind, title.to_owned());
        !above(path).any(|it| self.taken.contains(&key(it))) && self.taken.insert(key(path))
    }

    fn labels(&mut self, id: u64, path: &str, tar: &mut TarWriter) -> Result<(), SpoolError> {
        let (spool, mut rows) = (self.spool, Rows::begin(self.spool)?);
        for project in self.nearest.get(path).into_iter().flatten() {
            spool.each(project, ObjectKind::Label, |it| {
                let Object::Label(it) = &it.object else { return Ok(()) };
                if !it.inherited || !self.is_new(path, ObjectKind::Label, &it.name) {
                    return Ok(());
                }
                rows.row(&map::write_group_label(it, id))
            })?;
        }
        rows.end((&format!("groups/{id}"), "labels"), tar)
    }

    fn milestones(&mut self, id: u64, path: &str, tar: &mut TarWriter) -> Result<(), SpoolError> {
        let (spool, mut rows, mut iid) = (self.spool, Rows::begin(self.spool)?, 0);
        for project in self.nearest.get(path).into_iter().flatten() {
            spool.each(project, ObjectKind::Milestone, |it| {
                let Object::Milestone(it) = &it.object else { return Ok(()) };
                let is_groups = map::group_milestone(it).is_some();
                if !is_groups || !self.is_new(path, ObjectKind::Milestone, &it.title) {
                    return Ok(());
                }
                iid += 1;
                rows.row(&map::write_group_milestone(it, (id, iid)))
            })?;
        }
        rows.end((&format!("groups/{id}"), "milestones"), tar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_path_comes_nearest_first() {
        assert_eq!(above("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(above("a").count(), 0);
    }
}
