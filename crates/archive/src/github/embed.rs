//! Records with what GitHub embeds in them: roles, labels, hooks, keys, release assets.

use super::{
    address::Site,
    bytes,
    map::{
        account,
        file::TARBALL,
        member,
        project::{self, Embedded},
        release,
    },
    wire,
};
use crate::spool::{ScopeRow, Spool, SpoolError, Stored};
use packhorse_core::{
    Object, ObjectKind, RepoKind,
    model::{Member, Organization, Project, Release, Team},
};

fn members(spool: &Spool, scope: &ScopeRow, home: &str) -> Result<Vec<Member>, SpoolError> {
    let found = spool.children(scope, ObjectKind::Member, home)?;
    let member = |it: Stored| if let Object::Member(it) = it.object { Some(*it) } else { None };
    Ok(found.into_iter().filter_map(member).collect())
}

/// Visits organizations with their members; one that only members name gets a bare record.
pub(super) fn organizations(
    spool: &Spool,
    scope: &ScopeRow,
    mut visit: impl FnMut(wire::Organization) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut with_members = |it: &Organization| {
        let members = members(spool, scope, &format!("organization:{}", it.path))?;
        let members = members.iter().filter_map(member::write_organization_member).collect();
        visit(account::write_organization(it, members))
    };
    spool.each(scope, ObjectKind::Organization, |it| {
        let Object::Organization(it) = &it.object else { return Ok(()) };
        with_members(it)
    })?;
    let named = ("organization:", ObjectKind::Organization);
    for path in spool.orphaned(scope, ObjectKind::Member, named)? {
        with_members(&Organization { path, ..Organization::default() })?;
    }
    Ok(())
}

/// Visits teams with their members and permissions; one that only members name gets a bare record.
pub(super) fn teams(
    spool: &Spool,
    scope: &ScopeRow,
    mut visit: impl FnMut(wire::Team) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut with_members = |it: &Team| {
        let home = format!("team:{}/{}", it.organization, it.slug);
        let members = members(spool, scope, &home)?;
        let permissions = members.iter().filter_map(member::write_permission).collect();
        let members = members
            .iter()
            .filter(|it| member::is_in_team(it))
            .filter_map(member::write_team_member)
            .collect();
        visit(account::write_team(it, permissions, members))
    };
    spool.each(scope, ObjectKind::Team, |it| {
        let Object::Team(it) = &it.object else { return Ok(()) };
        with_members(it)
    })?;
    for path in spool.orphaned(scope, ObjectKind::Member, ("team:", ObjectKind::Team))? {
        if let Some((organization, slug)) = path.rsplit_once('/') {
            let (organization, slug) = (organization.to_owned(), slug.to_owned());
            let name = slug.clone();
            with_members(&Team { organization, slug, name, ..Team::default() })?;
        }
    }
    Ok(())
}

/// A project with what is embedded in it; one without a record gets a bare one.
pub(super) fn repository(spool: &Spool, scope: &ScopeRow) -> Result<wire::Repository, SpoolError> {
    let site = Site::new(&scope.path);
    let mut embedded = Embedded::default();
    for it in spool.all(scope, ObjectKind::Label)? {
        if let Object::Label(it) = it {
            embedded.labels.push(project::write_label(&site, &it));
        }
    }
    for it in spool.all(scope, ObjectKind::Member)? {
        if let Object::Member(it) = it {
            embedded.collaborators.extend(member::write_collaborator(&it));
        }
    }
    for it in spool.all(scope, ObjectKind::Webhook)? {
        if let Object::Webhook(it) = it {
            embedded.webhooks.push(project::write_webhook(&it));
        }
    }
    for it in spool.all(scope, ObjectKind::DeployKey)? {
        if let Object::DeployKey(it) = it {
            embedded.public_keys.push(project::write_key(&it));
        }
    }
    for it in spool.all(scope, ObjectKind::Topic)? {
        if let Object::Topic(it) = it {
            embedded.topics.push(wire::Topic(it.name));
        }
    }
    embedded.is_archived = !spool.all(scope, ObjectKind::State)?.is_empty();
    let directory = |repo| bytes::repository(spool, &scope.path, repo);
    let url = |repo| directory(repo).map(|it| format!("{TARBALL}{it}"));
    embedded.git_url = url(RepoKind::Code);
    embedded.wiki_url = url(RepoKind::Wiki);
    let record = spool.record(scope, ObjectKind::Project, &scope.path)?.map(|it| it.object);
    let found = match record {
        Some(Object::Project(it)) => *it,
        _ => Project {
            path: scope.path.clone(),
            name: scope.path.rsplit('/').next().unwrap_or_default().to_owned(),
            ..Project::default()
        },
    };
    Ok(project::write_project(&found, embedded))
}

/// Visits releases with their files; one that only files name gets a bare record.
pub(super) fn releases(
    spool: &Spool,
    scope: &ScopeRow,
    mut visit: impl FnMut(wire::Release) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let site = Site::new(&scope.path);
    let mut with_assets = |it: &Release| {
        let mut assets = Vec::new();
        for child in spool.children(scope, ObjectKind::ReleaseAsset, &it.tag)? {
            let place = bytes::place(spool, scope, &child)?;
            let asset_url = place.map(|it| format!("{TARBALL}{}", it.name));
            if let Object::ReleaseAsset(it) = &child.object {
                assets.extend(release::write_asset(it, asset_url));
            }
        }
        visit(release::write(&site, it, assets))
    };
    spool.each(scope, ObjectKind::Release, |it| {
        let Object::Release(it) = &it.object else { return Ok(()) };
        with_assets(it)
    })?;
    for tag in spool.orphaned(scope, ObjectKind::ReleaseAsset, ("", ObjectKind::Release))? {
        with_assets(&Release { tag, ..Release::default() })?;
    }
    Ok(())
}
