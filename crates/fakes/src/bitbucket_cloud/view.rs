//! What Bitbucket shows of the model: one function for each of its schemas.

use crate::store::Store;
use packhorse_core::{
    Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Grantee, Identity, IdentityKind, Organization,
        Position, Project, Review, Side, Text, Time, Verdict, Visibility,
    },
};
use serde_json::{Value, json};

/// Digits of a commit's id that change requests tell.
const SHORT: usize = 12;

/// Everything that addresses and numbers are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) home: &'a str,
    pub(super) has_issues: bool,
}

/// A time as Bitbucket writes it; something that has none was always there.
pub(super) fn time(at: Option<Time>) -> String {
    match at {
        Some(at) => at.instant().to_string().replace('Z', "+00:00"),
        None => "2012-06-28T08:12:04+00:00".to_owned(),
    }
}

/// A text as Bitbucket shows it.
pub(super) fn content(body: &Option<Text>) -> Value {
    let raw = body.as_ref().map_or("", Text::as_str);
    json!({ "raw": raw, "markup": "markdown", "html": "" })
}

fn uuid(kind: u64, id: u64) -> String {
    format!("{{{kind:08x}-0000-4000-8000-{:012x}}}", id & 0xffff_ffff_ffff)
}

impl View<'_> {
    /// The root of the API.
    pub(super) fn api(&self, rest: &str) -> String {
        format!("{}/2.0/{rest}", self.home)
    }

    pub(super) fn uuid_of(&self, identity: &Identity) -> String {
        uuid(1, self.store.user_id(identity))
    }

    pub(super) fn hook_uuid(id: u64) -> String {
        uuid(4, id)
    }

    pub(super) fn user(&self, identity: &Identity) -> Value {
        let known = self.store.known_user(&identity.login).map(|(_, it)| it);
        let is_gone =
            identity.kind == IdentityKind::Deleted || known.is_some_and(|it| it.is_blocked);
        let shown = known.map_or(identity, |it| &it.identity);
        let name = shown.name.as_deref().unwrap_or(&shown.login);
        let uuid = self.uuid_of(identity);
        json!({
            "type": if shown.kind == IdentityKind::Bot { "app_user" } else { "user" },
            "uuid": uuid, "account_id": shown.login, "nickname": shown.login,
            "display_name": name, "account_status": if is_gone { "closed" } else { "active" },
            "created_on": time(known.and_then(|it| it.created_at)),
            "links": {
                "self": { "href": self.api(&format!("users/{uuid}")) },
                "html": { "href": format!("{}/{uuid}/", self.home) },
                "avatar": { "href": format!("{}/avatars/{}", self.home, self.store.user_id(identity)) },
            },
        })
    }

    /// Nobody is somebody who is gone.
    pub(super) fn somebody(&self, identity: &Option<Identity>) -> Value {
        self.user(&identity.clone().unwrap_or_else(|| Identity {
            kind: IdentityKind::Deleted,
            name: Some("Former user".to_owned()),
            ..Identity::login("deleted", None)
        }))
    }

    pub(super) fn workspace(&self, slug: &str) -> Value {
        let same = |it: &Organization| it.path.eq_ignore_ascii_case(slug);
        let found = self.store.find::<Organization>(&Scope::Shared, same);
        let organization = found.map(|(_, it)| it);
        let is_public = organization.is_some_and(|it| it.visibility == Some(Visibility::Public));
        json!({
            "type": "workspace", "uuid": uuid(2, found.map_or(1, |(id, _)| id)), "slug": slug,
            "name": organization.and_then(|it| it.name.as_deref()).unwrap_or(slug),
            "is_private": !is_public,
            "created_on": time(organization.and_then(|it| it.created_at)),
            "links": {
                "self": { "href": self.api(&format!("workspaces/{slug}")) },
                "html": { "href": format!("{}/{slug}/", self.home) },
                "members": { "href": self.api(&format!("workspaces/{slug}/members")) },
                "repositories": { "href": self.api(&format!("repositories/{slug}")) },
            },
        })
    }

    /// A repository, as far as others mention it.
    pub(super) fn mention(&self, id: u64, it: &Project) -> Value {
        json!({
            "type": "repository", "uuid": uuid(3, id), "full_name": it.path, "name": it.name,
            "links": {
                "self": { "href": self.api(&format!("repositories/{}", it.path)) },
                "html": { "href": format!("{}/{}", self.home, it.path) },
                "avatar": { "href": format!("{}/ravatar/{id}", self.home) },
            },
        })
    }

    pub(super) fn repository(&self, id: u64, it: &Project) -> Value {
        let (workspace, slug) = it.path.split_once('/').unwrap_or(("", &it.path));
        let mut value = self.mention(id, it);
        let branch = it.default_branch.as_ref();
        let branch = branch.filter(|name| self.store.branch(&it.path, name).is_some());
        let more = json!({
            "scm": "git", "slug": slug, "workspace": self.workspace(workspace),
            "owner": self.workspace_as_account(workspace),
            "description": it.description.as_deref().unwrap_or_default(),
            "website": it.website.as_deref().unwrap_or_default(), "language": "",
            "is_private": it.visibility != Visibility::Public,
            "has_issues": self.has_issues && it.features.issues != Some(false), "has_wiki": false,
            "fork_policy":
                if it.features.forking == Some(false) { "no_forks" } else { "allow_forks" },
            "mainbranch": branch.map(|name| json!({ "type": "branch", "name": name })),
            "parent": null, "size": 1, "created_on": time(it.created_at),
            "updated_on": time(it.updated_at.or(it.created_at)),
        });
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    }

    fn workspace_as_account(&self, slug: &str) -> Value {
        let value = self.workspace(slug);
        json!({ "type": "team", "uuid": value["uuid"], "display_name": value["name"],
            "username": slug })
    }

    fn end(&self, project: (u64, &Project), it: &Branch) -> Value {
        let short = it.commit.as_deref().map(|it| it.chars().take(SHORT).collect::<String>());
        json!({
            "branch": { "name": it.name },
            "commit": short.filter(|it| !it.is_empty()).map(|it| json!({ "hash": it })),
            "repository": self.mention(project.0, project.1),
        })
    }

    /// The newest verdict of somebody, and when it was given.
    fn verdict(&self, path: &str, number: u64, who: &Identity) -> Option<(Verdict, Option<Time>)> {
        let scope = Scope::Project(path.to_owned());
        let same = |it: &Review| {
            it.change_request == number
                && it.author.as_ref().is_some_and(|it| it.login == who.login)
        };
        let all = self.store.all::<Review>(&scope).filter(|(_, it)| same(it));
        all.last().map(|(_, it)| (it.verdict, it.submitted_at.or(it.created_at)))
    }

    pub(super) fn participant(&self, path: &str, it: &ChangeRequest, who: &Identity) -> Value {
        let given = self.verdict(path, it.number, who);
        let state = match given.map(|it| it.0) {
            Some(Verdict::Approved) => Some("approved"),
            Some(Verdict::ChangesRequested) => Some("changes_requested"),
            Some(Verdict::Commented | Verdict::Dismissed | Verdict::Pending) | None => None,
        };
        let is_asked = it.review_requests.iter().any(|it| match &it.reviewer {
            Grantee::User(asked) => asked.login == who.login,
            Grantee::Team { .. } | Grantee::Group(_) => false,
        });
        json!({
            "type": "participant", "user": self.user(who), "state": state,
            "role": if is_asked { "REVIEWER" } else { "PARTICIPANT" },
            "approved": state == Some("approved"),
            "participated_on": given.map(|it| time(it.1)),
        })
    }

    /// A change request; its people are left out of listings.
    pub(super) fn change(&self, at: (u64, &Project), it: &ChangeRequest, people: bool) -> Value {
        let path = at.1.path.as_str();
        let own = format!("repositories/{path}/pullrequests/{}", it.number);
        let link = |name: &str| json!({ "href": self.api(&format!("{own}/{name}")) });
        let is_open = it.state == ChangeRequestState::Open;
        let closer = it.merged_by.as_ref().or(it.closed_by.as_ref()).filter(|_| !is_open);
        let merge = it.merge_commit.as_ref().filter(|_| it.state == ChangeRequestState::Merged);
        let mut value = json!({
            "type": "pullrequest", "id": it.number, "title": it.title,
            "description": it.body.as_ref().map_or("", Text::as_str), "summary": content(&it.body),
            "state": match it.state {
                ChangeRequestState::Open => "OPEN",
                ChangeRequestState::Closed => "DECLINED",
                ChangeRequestState::Merged => "MERGED",
            },
            "author": self.somebody(&it.author), "draft": it.draft, "reason": "",
            "source": self.end(at, &it.head), "destination": self.end(at, &it.base),
            "merge_commit":
                merge.map(|it| json!({ "hash": it.chars().take(SHORT).collect::<String>() })),
            "close_source_branch": it.delete_head.unwrap_or(false),
            "closed_by": closer.map(|it| self.user(it)), "comment_count": 0, "task_count": 0,
            "created_on": time(it.created_at), "updated_on": time(it.updated_at.or(it.created_at)),
            "links": {
                "self": { "href": self.api(&own) }, "comments": link("comments"),
                "html": { "href": format!("{}/{path}/pull-requests/{}", self.home, it.number) },
                "activity": link("activity"), "merge": link("merge"), "decline": link("decline"),
                "approve": link("approve"),
            },
        });
        if people {
            let (reviewers, participants) = self.people(path, it);
            value["reviewers"] = Value::Array(reviewers);
            value["participants"] = Value::Array(participants);
        }
        value
    }

    /// Those who were asked, and all who took part.
    fn people(&self, path: &str, it: &ChangeRequest) -> (Vec<Value>, Vec<Value>) {
        let asked = it.review_requests.iter().filter_map(|it| match &it.reviewer {
            Grantee::User(who) => Some(who.clone()),
            Grantee::Team { .. } | Grantee::Group(_) => None,
        });
        let mut people: Vec<Identity> = asked.collect();
        let reviewers = people.iter().map(|it| self.user(it)).collect();
        let scope = Scope::Project(path.to_owned());
        for (_, review) in self.store.all::<Review>(&scope) {
            if let Some(who) = review.author.as_ref().filter(|_| review.change_request == it.number)
                && !people.iter().any(|it| it.login == who.login)
            {
                people.push(who.clone());
            }
        }
        (reviewers, people.iter().map(|who| self.participant(path, it, who)).collect())
    }

    pub(super) fn inline(&self, at: &Position) -> Value {
        let line = at.line.filter(|_| !at.whole_file);
        let start = at.start_line.filter(|_| line.is_some());
        let is_old = at.side == Some(Side::Left);
        json!({
            "path": at.path,
            "from": line.filter(|_| is_old), "to": line.filter(|_| !is_old),
            "start_from": start.filter(|_| is_old), "start_to": start.filter(|_| !is_old),
        })
    }
}
