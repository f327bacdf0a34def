//! What Bitbucket shows of the model: one function for each of its schemas.

use crate::store::Store;
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, IdentityKind, Organization,
        Project, Review, ReviewThread, Side, State, StateValue, Text, Time, Verdict, Visibility,
    },
};
use serde_json::{Value, json};

/// Everything that Bitbucket's addresses and numbers are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) home: &'a str,
}

/// A time as Bitbucket writes it: milliseconds since 1970.
pub(super) fn time(at: Option<Time>) -> i64 {
    at.map_or(1_340_880_724_000, |it| it.instant().as_millisecond())
}

pub(super) fn words(body: &Option<Text>) -> &str {
    body.as_ref().map_or("", Text::as_str)
}

impl View<'_> {
    pub(super) fn user(&self, identity: &Identity) -> Value {
        let name = identity.login.as_str();
        let known = self.store.known_user(name).map(|(_, it)| it);
        let active =
            identity.kind != IdentityKind::Deleted && !known.is_some_and(|it| it.is_blocked);
        let mut value = json!({
            "name": name, "id": self.store.user_id(identity) & 0x7fff_ffff, "slug": name,
            "displayName": identity.name.as_deref().unwrap_or(name), "active": active,
            "type": if identity.kind == IdentityKind::Bot { "SERVICE" } else { "NORMAL" },
            "links": { "self": [{ "href": format!("{}/users/{name}", self.home) }] },
        });
        if let Some(email) = &identity.email {
            value["emailAddress"] = json!(email);
        }
        value
    }

    /// Nobody is somebody who is gone.
    pub(super) fn somebody(&self, identity: &Option<Identity>) -> Value {
        self.user(&identity.clone().unwrap_or_else(|| Identity {
            kind: IdentityKind::Deleted,
            ..Identity::login("deleted", None)
        }))
    }

    /// The project of a key.
    pub(super) fn project(&self, key: &str) -> Value {
        let same = |it: &Organization| it.path.eq_ignore_ascii_case(key);
        let found = self.store.find::<Organization>(&Scope::Shared, same);
        let name = found.and_then(|(_, it)| it.name.as_deref()).unwrap_or(key);
        let is_public = found.is_some_and(|(_, it)| it.visibility == Some(Visibility::Public));
        let is_own = key.starts_with('~');
        let href = format!("{}/projects/{key}", self.home);
        let mut value = json!({
            "key": key, "id": found.map_or(1, |(id, _)| id), "name": name, "public": is_public,
            "type": if is_own { "PERSONAL" } else { "NORMAL" },
            "links": { "self": [{ "href": href }] },
        });
        if let Some(description) = found.and_then(|(_, it)| it.description.as_deref()) {
            value["description"] = json!(description);
        }
        value
    }

    pub(super) fn repository(&self, id: u64, it: &Project) -> Value {
        let (key, slug) = it.path.rsplit_once('/').unwrap_or(("", &it.path));
        let scope = Scope::Project(it.path.clone());
        let archived = self.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
        let is_public = it.visibility == Visibility::Public;
        let mut value = json!({
            "slug": slug, "id": id, "name": it.name, "hierarchyId": format!("{id:020x}"),
            "scmId": "git", "state": "AVAILABLE", "statusMessage": "Available", "forkable": true,
            "project": self.project(key), "public": is_public, "archived": archived.is_some(),
            "links": {
                "clone": [
                    { "href": format!("{}/scm/{}.git", self.home, it.path), "name": "http" },
                    { "href": format!("ssh://git@localhost:7999/{}.git", it.path), "name": "ssh" },
                ],
                "self": [{ "href": format!("{}/projects/{key}/repos/{slug}/browse", self.home) }],
            },
        });
        if let Some(description) = &it.description {
            value["description"] = json!(description);
        }
        value
    }

    fn branch(&self, project: (u64, &Project), it: &Branch) -> Value {
        let (id, it, project) = (project.0, it, project.1);
        json!({
            "id": format!("refs/heads/{}", it.name), "displayId": it.name, "type": "BRANCH",
            "latestCommit": it.commit.as_deref().unwrap_or(""),
            "repository": self.repository(id, project),
        })
    }

    fn participant(&self, identity: &Identity, role: &str, verdict: Option<Verdict>) -> Value {
        let status = match verdict {
            Some(Verdict::Approved) => "APPROVED",
            Some(Verdict::ChangesRequested) => "NEEDS_WORK",
            Some(Verdict::Commented | Verdict::Dismissed | Verdict::Pending) | None => "UNAPPROVED",
        };
        json!({ "user": self.user(identity), "role": role, "status": status,
            "approved": status == "APPROVED" })
    }

    /// The newest verdict of somebody.
    fn verdict(&self, path: &str, number: u64, who: &Identity) -> Option<Verdict> {
        let scope = Scope::Project(path.to_owned());
        let same = |it: &Review| {
            it.change_request == number
                && it.author.as_ref().is_some_and(|it| it.login == who.login)
        };
        self.store.all::<Review>(&scope).filter(|(_, it)| same(it)).last().map(|(_, it)| it.verdict)
    }

    pub(super) fn reviewer(&self, path: &str, number: u64, who: &Identity) -> Value {
        self.participant(who, "REVIEWER", self.verdict(path, number, who))
    }

    pub(super) fn change(&self, at: (u64, &Project), version: u64, it: &ChangeRequest) -> Value {
        let path = at.1.path.as_str();
        let (key, slug) = path.rsplit_once('/').unwrap_or(("", path));
        let reviewers: Vec<_> = it
            .review_requests
            .iter()
            .filter_map(|request| match &request.reviewer {
                Grantee::User(who) => Some(self.reviewer(path, it.number, who)),
                Grantee::Team { .. } | Grantee::Group(_) => None,
            })
            .collect();
        let author = it.author.clone().unwrap_or_else(|| Identity::login("deleted", None));
        let is_open = it.state == ChangeRequestState::Open;
        let href = format!("{}/projects/{key}/repos/{slug}/pull-requests/{}", self.home, it.number);
        let mut value = json!({
            "id": it.number, "version": version, "title": it.title, "draft": it.draft,
            "state": match it.state {
                ChangeRequestState::Open => "OPEN",
                ChangeRequestState::Closed => "DECLINED",
                ChangeRequestState::Merged => "MERGED",
            },
            "open": is_open, "closed": !is_open, "locked": false,
            "createdDate": time(it.created_at),
            "updatedDate": time(it.updated_at.or(it.created_at)),
            "fromRef": self.branch(at, &it.head), "toRef": self.branch(at, &it.base),
            "author": self.participant(&author, "AUTHOR", None), "reviewers": reviewers,
            "participants": [], "links": { "self": [{ "href": href }] },
        });
        if let Some(body) = &it.body {
            value["description"] = json!(body.as_str());
        }
        if !is_open {
            value["closedDate"] = json!(time(it.merged_at.or(it.closed_at)));
        }
        value
    }

    /// Where a thread stands in the diff.
    pub(super) fn anchor(&self, it: &ReviewThread) -> Value {
        let at = &it.position;
        let is_old = at.side == Some(Side::Left);
        let head = at.commit.as_deref().or(at.original_commit.as_deref()).unwrap_or("");
        let mut value = json!({
            "fromHash": at.base_commit.as_deref().unwrap_or(""), "toHash": head,
            "path": at.path, "diffType": "EFFECTIVE", "orphaned": it.outdated == Some(true),
        });
        if let Some(line) = at.line.filter(|_| !at.whole_file) {
            value["line"] = json!(line);
            value["lineType"] = json!(if is_old { "REMOVED" } else { "ADDED" });
            value["fileType"] = json!(if is_old { "FROM" } else { "TO" });
        }
        if let Some(old) = &at.old_path {
            value["srcPath"] = json!(old);
        }
        value
    }
}
