//! Bitbucket Cloud: REST 2.0 below `/2.0`.
//!
//! Issues, their files and milestones are read where the stand-in is told that it
//! still has them; the product removed them in August 2026, and wikis with them.
//! Known to be looser: positions of comments are believed, whoever may write may
//! change everybody's comments, merging moves the destination to the source's
//! tip, sizes of repositories and parents of commits are not told, and groups are
//! the teams of the workspace.
//!
//! Sources: Atlassian's descriptions of the API 2.0 and of 2023, recorded answers
//! of the product.

mod account;
mod change;
mod issue;
mod project;
mod rule;
mod setting;
mod talk;
mod view;

use crate::{
    access::{Access, Caller},
    exchange::{Answer, Request},
    limit::{Limit, Standing},
    server::Product,
    store::Store,
};
use http::{Method, StatusCode};
use packhorse_core::{
    RepoKind, Scope,
    model::{Identity, Visibility},
};
use serde_json::{Value, json};
use std::time::Duration;
use url::form_urlencoded;
use view::View;

/// Bitbucket Cloud as a [`Product`].
#[derive(Clone, Copy, Debug, Default)]
pub struct BitbucketCloud {
    /// Whether it still has issues, which the product removed in August 2026.
    pub has_issues: bool,
}

/// One request on its way through.
struct Desk<'a> {
    request: &'a Request,
    store: &'a mut Store,
    body: Value,
    who: String,
    has_issues: bool,
}

/// A repository that the caller may see.
struct Place {
    id: u64,
    path: String,
    scope: Scope,
}

impl Desk<'_> {
    fn view(&self) -> View<'_> {
        View { store: self.store, home: &self.request.home, has_issues: self.has_issues }
    }

    /// The caller, as an author.
    fn author(&self) -> Identity {
        let known = self.store.known_user(&self.who).map(|(_, it)| it.identity.clone());
        known.unwrap_or_else(|| Identity::login(self.who.clone(), None))
    }

    /// Somebody with an account, by the account's id or by its UUID.
    fn account(&self, name: &str) -> Option<Identity> {
        let all = self.store.all::<packhorse_core::model::User>(&Scope::Shared);
        let mut identities = all.map(|(_, it)| &it.identity);
        identities.find(|it| it.login == name || self.view().uuid_of(it) == name).cloned()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.body[name].as_str().map(str::to_owned)
    }

    /// Whether the caller may see a repository.
    fn sees(&self, visibility: Visibility) -> bool {
        visibility == Visibility::Public || self.request.caller.may(Access::Read)
    }

    /// The request's own address with another place in its listing.
    fn address(&self, name: &str, value: &str) -> String {
        let mut query = self.request.query.clone();
        query.retain(|(it, _)| it != name);
        query.push((name.to_owned(), value.to_owned()));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        let path = self.request.target.split('?').next().unwrap_or_default();
        format!("{}{path}?{query}", self.request.home)
    }

    /// A page of a listing, of at most so many.
    ///
    /// Source: Atlassian, "REST API introduction", "Pagination".
    fn page(&self, all: Vec<Value>, most: usize) -> Answer {
        let asked = self.request.query("pagelen").and_then(|it| it.parse::<usize>().ok());
        if asked.is_some_and(|it| it > most) {
            return invalid("Invalid pagelen");
        }
        let window = self.request.window("page", "pagelen", 10, most);
        let total = all.len();
        let values = window.of(all);
        let mut page = json!({
            "values": values, "pagelen": window.size, "size": total, "page": window.page,
        });
        if window.page < window.last(total) {
            page["next"] = json!(self.address("page", &(window.page + 1).to_string()));
        }
        if window.page > 1 {
            page["previous"] = json!(self.address("page", &(window.page - 1).to_string()));
        }
        Answer::ok(&page)
    }

    /// A page of a listing that is not numbered: what comes next is known to the server alone.
    fn stretch(&self, mut all: Vec<Value>) -> Answer {
        let size = self.request.window("page", "pagelen", 10, 50).size;
        let from = self.request.query("ctx").and_then(|it| it.strip_prefix("at-")?.parse().ok());
        let from = from.unwrap_or(0).min(all.len());
        let to = (from + size).min(all.len());
        let total = all.len();
        let values: Vec<_> = all.drain(from..to).collect();
        let mut page = json!({ "values": values, "pagelen": size });
        if to < total {
            page["next"] = json!(self.address("ctx", &format!("at-{to}")));
        }
        Answer::ok(&page)
    }
}

/// How Bitbucket refuses.
fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "type": "error", "error": { "message": message } }))
}

fn not_found(what: &str) -> Answer {
    refusal(StatusCode::NOT_FOUND, &format!("{what} not found"))
}

fn invalid(message: &str) -> Answer {
    refusal(StatusCode::BAD_REQUEST, message)
}

fn forbidden() -> Answer {
    let words = "Your credentials lack one or more required privilege scopes.";
    refusal(StatusCode::FORBIDDEN, words)
}

fn unauthorized() -> Answer {
    let words = "Token is invalid, expired, or not supported for this endpoint.";
    refusal(StatusCode::UNAUTHORIZED, words)
        .with("www-authenticate", "Basic realm=\"Bitbucket.org HTTP\"")
}

fn writes(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

impl Product for BitbucketCloud {
    // Source: Atlassian, "API request limits": 1,000 an hour for repositories.
    fn published_limits(&self) -> Vec<Limit> {
        let toll = |_: &Method, path: &[String]| {
            u64::from(path.get(1).is_some_and(|it| it == "repositories"))
        };
        let window = Duration::from_secs(3600);
        vec![Limit { name: "api-request", allowance: 1_000, window, toll }]
    }

    fn limit_headers(&self, standings: &[Standing]) -> Vec<(&'static str, String)> {
        let Some(it) = standings.first() else { return Vec::new() };
        vec![
            ("x-ratelimit-limit", it.allowance.to_string()),
            ("x-ratelimit-resource", it.name.to_owned()),
            ("x-ratelimit-nearlimit", (it.left < it.allowance / 5).to_string()),
        ]
    }

    fn too_many(&self, standing: &Standing) -> Answer {
        refusal(StatusCode::TOO_MANY_REQUESTS, "Rate limit for this resource has been exceeded")
            .with("retry-after", &standing.wait.to_string())
    }

    fn broken(&self) -> Answer {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong")
    }

    fn repository(&self, path: &str) -> (String, RepoKind) {
        (path.trim_matches('/').to_owned(), RepoKind::Code)
    }

    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let who = request.caller.login().unwrap_or_default().to_owned();
        let body = request.json();
        let mut desk = Desk { request, store, body, who, has_issues: self.has_issues };
        if let ["storage", path @ ..] = segments.as_slice() {
            return project::stored(&desk, path);
        }
        if request.caller == Caller::Wrong
            || (request.caller == Caller::Anonymous && writes(&request.method))
        {
            return unauthorized();
        }
        let is_form = request.header("content-type").is_some_and(|it| it.contains("multipart/"));
        if request.is_malformed() && !is_form {
            return invalid("Bad request");
        }
        match segments.as_slice() {
            ["2.0", "repositories", workspace, slug, rest @ ..] => {
                repository_route(&mut desk, (workspace, slug), rest)
            }
            ["2.0", rest @ ..] => account::route(&mut desk, rest),
            _ => refusal(StatusCode::NOT_FOUND, "Resource not found"),
        }
    }
}

/// What of a repository only its administrators may see.
fn is_setting(rest: &[&str]) -> bool {
    matches!(
        rest,
        ["hooks" | "deploy-keys" | "permissions-config" | "branch-restrictions", ..]
            | ["override-settings", ..]
    )
}

fn repository_route(desk: &mut Desk<'_>, at: (&str, &str), rest: &[&str]) -> Answer {
    let method = desk.request.method.clone();
    let (workspace, slug) = at;
    let found = desk.store.project(&format!("{workspace}/{slug}"));
    let found = found.map(|(id, it, scope)| (id, it.path.clone(), it.visibility, scope));
    let Some((id, path, visibility, scope)) = found else {
        if rest.is_empty() && matches!(method, Method::POST | Method::PUT) {
            return project::create(desk, workspace, slug);
        }
        let words = format!("Repository {workspace}/{slug} not found");
        return refusal(StatusCode::NOT_FOUND, &words);
    };
    let wanted = match (writes(&method), is_setting(rest) || rest.is_empty()) {
        (true, true) => Access::Admin,
        (true, false) => Access::Write,
        (false, _) if is_setting(rest) => Access::Admin,
        (false, _) => Access::Read,
    };
    let is_open = wanted == Access::Read && desk.sees(visibility);
    if !desk.request.caller.may(wanted) && !is_open {
        return if desk.who.is_empty() { unauthorized() } else { forbidden() };
    }
    let place = Place { id, path, scope };
    let answer = match rest {
        ["pullrequests", _, "comments" | "tasks" | "activity", ..] => {
            talk::route(desk, &place, rest)
        }
        ["pullrequests", ..] => change::route(desk, &place, rest),
        ["hooks" | "deploy-keys" | "permissions-config", ..] => setting::route(desk, &place, rest),
        ["branch-restrictions" | "effective-branching-model", ..] => {
            rule::route(desk, &place, rest)
        }
        ["issues" | "milestones" | "components" | "versions", ..] => {
            issue::route(desk, &place, rest)
        }
        _ => project::route(desk, &place, rest),
    };
    answer.unwrap_or_else(|| refusal(StatusCode::NOT_FOUND, "Resource not found"))
}
