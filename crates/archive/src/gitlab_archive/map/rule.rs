//! Rules for branches and tags. What a level cannot say becomes stricter, never looser.

use super::{
    super::{people::People, wire},
    plain,
    project::{level, role},
};
use crate::wire::List;
use packhorse_core::model::{BranchRule, Enforcement, Grantee, TagRule};

/// Everybody who maintains the project, as a group of the host. No group of people is called so:
/// paths do not begin with `@`.
const MAINTAINERS: &str = "@maintainers";

/// Source: GitLab, "Protected branches API": 0 nobody, 30 developers and maintainers, 40
/// maintainers, 60 administrators.
const NOBODY: u64 = 0;
const DEVELOPERS: u64 = 30;
const MAINTAINER: u64 = 40;

/// What a list of levels comes to.
struct Levels {
    restricts: bool,
    role: Option<u64>,
    named: Vec<Grantee>,
}

fn levels(list: &List<wire::Level>, people: &People) -> Levels {
    let (mut role, mut named): (Option<u64>, _) = (None, Vec::new());
    for it in &list.0 {
        if it.user_id.is_some() {
            named.extend(people.identity(it.user_id).map(Grantee::User));
        } else if let Some(id) = it.group_id {
            named.push(Grantee::Group(format!("group-{id}")));
        } else if let Some(level) = it.access_level.filter(|it| *it > NOBODY) {
            role = Some(role.map_or(level, |it| it.min(level)));
        }
    }
    Levels { restricts: role.is_none_or(|it| it > DEVELOPERS), role, named }
}

impl Levels {
    fn grantees(self) -> Vec<Grantee> {
        if !self.restricts {
            return Vec::new();
        }
        let maintainers = self.role.filter(|it| (DEVELOPERS + 1..=50).contains(it));
        let maintainers = maintainers.map(|_| Grantee::Group(MAINTAINERS.to_owned()));
        maintainers.into_iter().chain(self.named).collect()
    }
}

/// Reads a protected branch, which nobody deletes by Git, and nobody rewrites unless it says so.
pub(in super::super) fn read(it: &wire::ProtectedBranch, people: &People) -> Option<BranchRule> {
    let rewrites = it.allow_force_push == Some(true);
    let (push, merge) =
        (levels(&it.push_access_levels, people), levels(&it.merge_access_levels, people));
    Some(BranchRule {
        pattern: plain(it.name.clone())?,
        admins_bound: true,
        block_deletion: Enforcement::Everyone,
        block_force_push: if rewrites { Enforcement::Off } else { Enforcement::Everyone },
        force_push_allowed: rewrites.then_some(true),
        restrict_push: push.restricts,
        restrict_merge: merge.restricts,
        pushers: push.grantees(),
        mergers: merge.grantees(),
        code_owner_review: it.code_owner_approval_required.unwrap_or_default(),
        ..BranchRule::default()
    })
}

/// Levels for those who are let through: single people need an edition that not all have, so
/// where only some are, it is nobody but them.
fn write_levels(restricts: bool, who: &[Grantee], people: &mut People) -> List<wire::Level> {
    let of =
        |access_level| wire::Level { access_level: Some(access_level), ..wire::Level::default() };
    if !restricts {
        return List(vec![of(DEVELOPERS)]);
    }
    let mut list: Vec<wire::Level> = Vec::new();
    for it in who {
        match it {
            Grantee::User(who) => {
                let user_id = Some(people.id(who));
                list.push(wire::Level { user_id, ..of(MAINTAINER) });
            }
            Grantee::Group(name) if name == MAINTAINERS => list.push(of(MAINTAINER)),
            Grantee::Group(_) | Grantee::Team { .. } => {}
        }
    }
    if list.is_empty() {
        list.push(of(NOBODY));
    }
    List(list)
}

/// Writes a protected branch.
pub(in super::super) fn write(it: &BranchRule, people: &mut People) -> wire::ProtectedBranch {
    let rewrites = it.block_force_push == Enforcement::Off && it.force_push_allowed == Some(true);
    let restricts = it.restrict_push || it.read_only;
    let pushers: &[Grantee] = if it.read_only { &[] } else { &it.pushers };
    wire::ProtectedBranch {
        name: Some(it.pattern.clone()),
        code_owner_approval_required: Some(it.code_owner_review),
        allow_force_push: Some(rewrites),
        merge_access_levels: write_levels(it.restrict_merge || it.read_only, &it.mergers, people),
        push_access_levels: write_levels(restricts, pushers, people),
        ..wire::ProtectedBranch::default()
    }
}

/// Reads a protected tag.
pub(in super::super) fn read_tag(it: &wire::ProtectedTag, people: &People) -> Option<TagRule> {
    let create = levels(&it.create_access_levels, people);
    let role = create.role.map(role);
    Some(TagRule { pattern: plain(it.name.clone())?, creators: create.named, role })
}

/// Writes a protected tag.
pub(in super::super) fn write_tag(it: &TagRule, people: &mut People) -> wire::ProtectedTag {
    let mut list = Vec::new();
    if let Some(role) = it.role {
        let access_level = Some(level(role).max(DEVELOPERS));
        list.push(wire::Level { access_level, ..wire::Level::default() });
    }
    for it in &it.creators {
        if let Grantee::User(who) = it {
            let user_id = Some(people.id(who));
            list.push(wire::Level {
                access_level: Some(MAINTAINER),
                user_id,
                ..wire::Level::default()
            });
        }
    }
    if list.is_empty() {
        list.push(wire::Level { access_level: Some(NOBODY), ..wire::Level::default() });
    }
    wire::ProtectedTag {
        name: Some(it.pattern.clone()),
        create_access_levels: List(list),
        ..wire::ProtectedTag::default()
    }
}
