//! Exports of groups: the groups, who has a role in them, and what their projects inherit.
//!
//! Labels and milestones of groups are told of each project that has them, as GitLab's own API tells
//! them; so they come when all archives of a directory were gone through.

use super::{Odd, People, accounts, map, rows::Rows, scan::Found, wire};
use crate::{
    GroupLevel, GroupTree,
    container::{Archive, Member},
    spool::{Intake, ScopeRow, Spool, SpoolError},
};
use packhorse_core::{
    Object, ObjectKind, Scope,
    model::{Label, Organization, Place},
};
use std::{collections::HashMap, path::Path, sync::Arc};

/// A relation whose rows projects inherit.
struct Inherited {
    /// Full path of the group.
    path: String,
    relation: &'static str,
    archive: Arc<Archive>,
    member: Member,
}

/// The groups of all archives.
#[derive(Default)]
pub(super) struct Groups {
    inherited: Vec<Inherited>,
}

/// Relations that are taken in another way, or by themselves.
const KNOWN: [&str; 1] = ["user_contributions"];

impl Groups {
    /// Takes the groups of one export.
    pub(super) fn take(
        &mut self,
        intake: &mut Intake,
        found: Found,
        only: Option<&str>,
        odd: &mut Odd,
    ) -> Result<(), SpoolError> {
        let people = accounts(&found)?;
        let mut paths: HashMap<String, String> = HashMap::new();
        for (id, it) in organizations(&found, only, odd)? {
            paths.insert(id, it.path.clone());
            let path = it.path.clone();
            intake.take(&Scope::Shared, &path, Object::from(it))?;
        }
        for (id, relation, member) in &found.group_relations {
            let Some(path) = paths.get(id) else {
                odd.unknown.note("group (of which there is no row)".to_owned(), 1);
                continue;
            };
            match relation.as_str() {
                "members" => roles(intake, (&found, member), (path, &people), odd)?,
                "labels" | "milestones" => self.inherited.push(Inherited {
                    path: path.clone(),
                    relation: if relation == "labels" { "labels" } else { "milestones" },
                    archive: Arc::clone(&found.archive),
                    member: member.clone(),
                }),
                known if KNOWN.contains(&known) => {}
                other => {
                    let mut rows = Rows::open(&found.archive, member)?;
                    let name: String = other.chars().take(64).collect();
                    while rows.next(|_| {
                        odd.unknown.note(format!("group.{name}"), 1);
                        Ok(())
                    })? {}
                }
            }
        }
        odd.n_people += people.n_unknown();
        Ok(())
    }

    /// Tells each project what it inherits of the groups above it.
    pub(super) fn hand_down(mut self, spool: &mut Spool, odd: &mut Odd) -> Result<(), SpoolError> {
        if self.inherited.is_empty() {
            return Ok(());
        }
        spool.flush()?;
        // What is nearer to a project comes first, and stays.
        self.inherited.sort_by_key(|it| std::cmp::Reverse(it.path.matches('/').count()));
        let projects = spool.projects()?;
        for it in &self.inherited {
            let is_below = |project: &&ScopeRow| {
                project.path.strip_prefix(&it.path).is_some_and(|rest| rest.starts_with('/'))
            };
            let mut n_heirs = 0;
            for project in projects.iter().filter(is_below) {
                n_heirs += 1;
                it.rows(odd, |row| row.into(spool, project))?;
                spool.flush()?;
            }
            if n_heirs == 0 {
                let name = format!("group.{} (no project of the group is here)", it.relation);
                let mut n_rows = 0;
                it.rows(odd, |_| {
                    n_rows += 1;
                    Ok(())
                })?;
                odd.unknown.note(name, n_rows);
            }
        }
        Ok(())
    }
}

/// What a project inherits.
enum Row {
    Label(wire::Label),
    Milestone(wire::Milestone),
}

impl Row {
    /// Puts it into a project, where that has nothing else of that name.
    fn into(self, spool: &mut Spool, project: &ScopeRow) -> Result<(), SpoolError> {
        let (id, object) = match self {
            Self::Label(it) => {
                let Some(label) = map::label(it) else { return Ok(()) };
                let own = spool.record(project, ObjectKind::Label, &label.name)?;
                let label = match own.map(|it| it.object) {
                    // Archives of projects that are made here have them as well, with their rank.
                    Some(Object::Label(own)) if is_same(&own, &label) => {
                        Label { inherited: true, ..*own }
                    }
                    Some(_) => return Ok(()),
                    None => label,
                };
                (label.name.clone(), Object::from(label))
            }
            Self::Milestone(it) => {
                let Some(milestone) = map::milestone(it) else { return Ok(()) };
                let id = milestone.number.to_string();
                if spool.record(project, ObjectKind::Milestone, &id)?.is_some() {
                    return Ok(());
                }
                (id, Object::from(milestone))
            }
        };
        spool.take(&Scope::Project(project.path.clone()), &id, &object)
    }
}

fn is_same(one: &Label, other: &Label) -> bool {
    (&one.color, &one.description) == (&other.color, &other.description)
}

impl Inherited {
    /// Visits the rows.
    fn rows(
        &self,
        odd: &mut Odd,
        mut visit: impl FnMut(Row) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut rows = Rows::open(&self.archive, &self.member)?;
        while rows.next(|json| {
            let row = match self.relation {
                "labels" => {
                    json.parse("group.labels", &mut odd.unknown).map(|it| it.map(Row::Label))
                }
                _ => json
                    .parse("group.milestones", &mut odd.unknown)
                    .map(|it| it.map(Row::Milestone)),
            };
            match row {
                Ok(Some(row)) => visit(row),
                Ok(None) => Ok(()),
                Err(_) => {
                    odd.n_rows += 1;
                    Ok(())
                }
            }
        })? {}
        Ok(())
    }
}

/// The groups of an export by their ids, the one that was exported first.
fn organizations(
    found: &Found,
    only: Option<&str>,
    odd: &mut Odd,
) -> Result<Vec<(String, Organization)>, SpoolError> {
    let mut paths: HashMap<u64, String> = HashMap::new();
    let mut groups: Vec<(String, Organization)> = Vec::new();
    for (id, member) in &found.groups {
        let mut rows = Rows::open(&found.archive, member)?;
        rows.next(|json| {
            let group = match json.parse::<wire::Group>("group", &mut odd.unknown) {
                Ok(Some(group)) => group,
                Ok(None) => return Ok(()),
                Err(_) => {
                    odd.n_rows += 1;
                    return Ok(());
                }
            };
            let is_path = |it: &String| {
                !it.is_empty() && !matches!(it.as_str(), "." | "..") && !it.contains(['/', '\0'])
            };
            let own = group.path.clone().filter(is_path).unwrap_or_else(|| id.clone());
            let path = match groups.first() {
                None => only.or(found.origin.path.as_deref()).map_or(own, str::to_owned),
                Some((_, root)) => {
                    let above = group.parent_id.and_then(|it| paths.get(&it));
                    if above.is_none() {
                        odd.unknown.note("group.parent_id (of no group)".to_owned(), 1);
                    }
                    format!("{}/{own}", above.unwrap_or(&root.path))
                }
            };
            paths.extend(id.parse().ok().map(|it: u64| (it, path.clone())));
            groups.push((id.clone(), map::project::organization(&path, &group)));
            Ok(())
        })?;
    }
    Ok(groups)
}

/// What exports of groups in a location hold.
pub(in crate::gitlab_archive) fn trees(path: &Path) -> Result<Vec<GroupTree>, SpoolError> {
    let mut trees = Vec::new();
    for file in super::files(path)? {
        let mut odd = Odd::default();
        let found = super::scan::scan(&file, &mut odd)?;
        if !found.is_group() {
            continue;
        }
        let people = accounts(&found)?;
        let mut levels = Vec::new();
        for (id, organization) in organizations(&found, None, &mut odd)? {
            let mut level = GroupLevel { organization, ..GroupLevel::default() };
            for (of, relation, member) in &found.group_relations {
                if *of == id {
                    level.take(&found, (relation, member), (&people, &mut odd))?;
                }
            }
            levels.push(level);
        }
        trees.push(GroupTree { file, levels });
    }
    Ok(trees)
}

impl GroupLevel {
    fn take(
        &mut self,
        found: &Found,
        (relation, member): (&str, &Member),
        (people, odd): (&People, &mut Odd),
    ) -> Result<(), SpoolError> {
        let place = Place::Organization(self.organization.path.clone());
        let mut rows = Rows::open(&found.archive, member)?;
        while rows.next(|json| {
            let unknown = &mut odd.unknown;
            let taken = match relation {
                "labels" => json.parse(relation, unknown).map(|it| {
                    self.labels.extend(it.and_then(map::label));
                }),
                "milestones" => json.parse(relation, unknown).map(|it| {
                    self.milestones.extend(it.and_then(map::milestone));
                }),
                "members" => json.parse::<wire::Member>(relation, unknown).map(|it| {
                    let member = it.and_then(|it| map::project::member(&it, &place, people));
                    self.members.extend(member.map(|(_, it)| it));
                }),
                _ => Ok(()),
            };
            odd.n_rows += u64::from(taken.is_err());
            Ok(())
        })? {}
        Ok(())
    }
}

/// Takes the roles in a group.
fn roles(
    intake: &mut Intake,
    (found, member): (&Found, &Member),
    (path, people): (&str, &People),
    odd: &mut Odd,
) -> Result<(), SpoolError> {
    let place = Place::Organization(path.to_owned());
    let mut rows = Rows::open(&found.archive, member)?;
    while rows.next(|json| {
        match json.parse::<wire::Member>("members", &mut odd.unknown) {
            Ok(Some(it)) => match map::project::member(&it, &place, people) {
                Some((id, member)) => intake.take(&Scope::Shared, &id, Object::from(member))?,
                None => odd.n_rows += 1,
            },
            Ok(None) => {}
            Err(_) => odd.n_rows += 1,
        }
        Ok(())
    })? {}
    Ok(())
}
