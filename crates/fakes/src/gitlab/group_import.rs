//! Imports of groups from files: read as GitLab's export of a group is laid out.
//!
//! Sources: GitLab, "Group import and export API"; `lib/api/group_import.rb`,
//! `lib/gitlab/import_export/group/tree_restorer.rb`. There is no way of asking how far one is: the
//! group is there at once, and what is in it comes in the order of the archive. Known to be looser:
//! a group comes with each question about the one that is imported, and nobody is told of failures.

use super::{Desk, Place, missing, not_found, refusal, view::OF_GROUPS};
use crate::exchange::Answer;
use crate::form::{self, File};
use http::StatusCode;
use packhorse_archive::GroupLevel;
use packhorse_core::{
    Object, Record, Scope,
    model::{Grantee, Label, Milestone, Organization, Place as At, Visibility},
};
use serde_json::{Value, json};

/// What begins the key of a group that is being imported.
const KEY: &str = "group-import/";

/// `POST /groups/import`.
pub(super) fn begin(desk: &mut Desk<'_>) -> Answer {
    // What a test wants the server to be set to.
    if desk.store.aside.contains_key("refused_groups") {
        return refusal(StatusCode::FORBIDDEN, "403 Forbidden");
    }
    let (Some(own), Some(name), Some(file)) = (
        form::text(desk.request, "path"),
        form::text(desk.request, "name"),
        File::of(desk.request, "file"),
    ) else {
        return missing("path, name, file");
    };
    let above = form::text(desk.request, "parent_id").map(|id| {
        let id = id.parse().unwrap_or_default();
        desk.store.get::<Organization>(&Scope::Shared, id).cloned()
    });
    let above = match above {
        Some(None) => return not_found("Group"),
        Some(above) => above,
        None => None,
    };
    let path = above.as_ref().map_or_else(|| own.clone(), |it| format!("{}/{own}", it.path));
    let is_there = |it: &Organization| it.path == path;
    if desk.store.find::<Organization>(&Scope::Shared, is_there).is_some() {
        let why = r#"Failed to save group {:path=>["has already been taken"]}"#;
        return refusal(StatusCode::BAD_REQUEST, why);
    }
    let group = Organization {
        path: path.clone(),
        name: Some(name),
        // As those above; without any nobody else sees it.
        visibility: Some(above.and_then(|it| it.visibility).unwrap_or(Visibility::Private)),
        created_at: desk.store.now(),
        ..Organization::default()
    };
    let id = desk.store.add(&Scope::Shared, group);
    let archive = format!("group-import-{id}.tar.gz");
    if desk.store.save_blob(&archive, &file.bytes).is_err() {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error");
    }
    let job = json!({ "file": archive, "path": path, "n_done": 0, "error": null });
    desk.store.aside.insert(format!("{KEY}{id}"), job);
    Answer::json(StatusCode::ACCEPTED, &json!({ "message": "202 Accepted" }))
}

/// Takes the next group of each import that has not ended.
pub(super) fn go_on(desk: &mut Desk<'_>) {
    let keys: Vec<String> =
        desk.store.aside.keys().filter(|it| it.starts_with(KEY)).cloned().collect();
    for key in keys {
        let job = desk.store.aside[&key].clone();
        let (file, root) = (job["file"].as_str(), job["path"].as_str());
        let (Some(file), Some(root)) = (file, root) else { continue };
        let n_done = job["n_done"].as_u64().unwrap_or_default();
        let file = desk.store.blob(file);
        let spec = &packhorse_archive::gitlab_archive::SPEC;
        let set = match packhorse_archive::group_trees(spec, &file) {
            Ok(trees) => {
                let levels = trees.into_iter().flat_map(|it| it.levels).collect::<Vec<_>>();
                let n = usize::try_from(n_done).unwrap_or(usize::MAX);
                let Some(level) = levels.get(n) else { continue };
                let from = &levels[0].organization.path;
                let below = level.organization.path.strip_prefix(from.as_str()).unwrap_or_default();
                take(desk, &format!("{root}{below}"), level);
                ("n_done", json!(n_done + 1))
            }
            Err(error) => ("error", json!(error.to_string())),
        };
        if let Some(job) = desk.store.aside.get_mut(&key) {
            job[set.0] = set.1;
        }
    }
}

/// Relations that a test wants to fail.
fn fails(desk: &Desk<'_>, path: &str, relation: &str) -> bool {
    let failing = desk.store.aside.get("failing_groups").and_then(Value::as_array);
    let name = format!("{path}:{relation}");
    failing.is_some_and(|it| it.iter().any(|it| *it == json!(name)))
}

fn take(desk: &mut Desk<'_>, path: &str, level: &GroupLevel) {
    let is_it = |it: &Organization| it.path == path;
    let found = desk.store.find::<Organization>(&Scope::Shared, is_it).map(|(id, _)| id);
    match found {
        Some(id) => {
            if let Some(it) = desk.store.get_mut::<Organization>(&Scope::Shared, id) {
                it.description = level.organization.description.clone();
            }
        }
        None => {
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            let parent = desk.store.find::<Organization>(&Scope::Shared, |it| it.path == above);
            let most = parent.and_then(|(_, it)| it.visibility).unwrap_or_default();
            let own = level.organization.visibility.unwrap_or_default();
            let group = Organization {
                path: path.to_owned(),
                name: level.organization.name.clone(),
                description: level.organization.description.clone(),
                visibility: Some(own.min(most)),
                created_at: desk.store.now(),
                ..Organization::default()
            };
            desk.store.add(&Scope::Shared, group);
        }
    }
    let [no_members, no_labels, no_milestones] =
        ["members", "labels", "milestones"].map(|it| fails(desk, path, it));
    for member in level.members.iter().filter(|_| !no_members) {
        // Of people, those who have an account.
        if let Grantee::User(who) = &member.grantee
            && desk.store.known_user(&who.login).is_some()
        {
            let mut member = member.clone();
            member.place = At::Organization(path.to_owned());
            let id = format!("organization:{path}/{}", who.login);
            desk.store.fill([(Scope::Shared, Record::new(id, Object::from(member)))]);
        }
    }
    let scope = Scope::Project(path.to_owned());
    for it in level.labels.iter().filter(|_| !no_labels) {
        desk.store.add(&scope, Label { inherited: false, ..it.clone() });
    }
    for it in level.milestones.iter().filter(|_| !no_milestones) {
        let number = desk.store.next_number(path, &["milestone"]);
        desk.store.add(&scope, Milestone { inherited: false, number, ..it.clone() });
    }
}

/// What an import of a project finds at the groups above it, and does not make once more.
///
/// Source: GitLab, `lib/gitlab/import_export/project/object_builder.rb`.
pub(super) fn found_above(desk: &Desk<'_>, place: &Place, records: &mut Vec<(Scope, Record)>) {
    let above: Vec<Scope> =
        std::iter::successors(place.path.rsplit_once('/'), |(above, _)| above.rsplit_once('/'))
            .map(|(above, _)| Scope::Project(above.to_owned()))
            .collect();
    let mut numbers = std::collections::HashMap::new();
    records.retain(|(_, record)| {
        if let Object::Label(it) = &record.object {
            let same = |label: &Label| label.name == it.name;
            return !above.iter().any(|scope| desk.store.find::<Label>(scope, same).is_some());
        }
        let Object::Milestone(it) = &record.object else { return true };
        let same = |milestone: &Milestone| milestone.title == it.title;
        let id = above.iter().find_map(|scope| Some(desk.store.find::<Milestone>(scope, same)?.0));
        numbers.extend(id.map(|id| (it.number, OF_GROUPS + id)));
        id.is_none()
    });
    for (_, record) in records {
        for number in record.object.milestones_mut() {
            *number = numbers.get(number).copied().unwrap_or(*number);
        }
    }
}
