//! Bitbucket Data Center: REST 1.0 below `/rest`, as of 9.2.
//!
//! There are no issues, labels of issues, milestones or releases. Versions that
//! do not match are refused, as the product refuses them. Known to be looser:
//! positions of comments are believed, nothing is merged, attachments, hooks that
//! run on the server and conditions for reviewers are not there.
//!
//! Sources: Atlassian's description of Data Center 9.2 and its REST documentation.

mod account;
mod change;
mod migration;
mod project;
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
    model::{Identity, Project, State, StateValue, Visibility},
};
use serde_json::{Value, json};
use std::time::Duration;
use view::View;

/// Bitbucket Data Center as a [`Product`].
#[derive(Clone, Copy, Debug, Default)]
pub struct BitbucketServer;

/// One request on its way through.
struct Desk<'a> {
    request: &'a Request,
    store: &'a mut Store,
    body: Value,
    who: String,
}

/// A repository that the caller may see, as far as the request goes.
struct Place {
    id: u64,
    path: String,
    scope: Scope,
}

impl Desk<'_> {
    fn view(&self) -> View<'_> {
        View { store: self.store, home: &self.request.home }
    }

    /// The caller, as an author.
    fn author(&self) -> Identity {
        self.identity(&self.who)
    }

    /// Somebody by name.
    fn identity(&self, name: &str) -> Identity {
        let known = self.store.known_user(name).map(|(_, it)| it.identity.clone());
        known.unwrap_or_else(|| Identity::login(name, None))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.body[name].as_str().map(str::to_owned)
    }

    /// The version that a request says it has seen, in its query or its body.
    fn seen(&self) -> Option<u64> {
        let query = self.request.query("version").and_then(|it| it.parse().ok());
        query.or_else(|| self.body["version"].as_u64())
    }

    /// A page of a listing, by offset.
    ///
    /// Source: Bitbucket, "REST API", "Paged APIs".
    fn page(&self, mut all: Vec<Value>) -> Answer {
        let number = |name| self.request.query(name).and_then(|it| it.parse::<usize>().ok());
        let start = number("start").unwrap_or(0);
        let limit = number("limit").unwrap_or(25).clamp(1, 1_000);
        let from = start.min(all.len());
        let to = (from + limit).min(all.len());
        let is_last = to == all.len();
        let values: Vec<_> = all.drain(from..to).collect();
        let mut page = json!({
            "size": values.len(), "limit": limit, "isLastPage": is_last, "values": values,
            "start": start,
        });
        if !is_last {
            page["nextPageStart"] = json!(to);
        }
        Answer::ok(&page)
    }

    /// The version of something that a host counts the changes of.
    fn version(&self, what: &str) -> u64 {
        self.store.aside.get(what).and_then(Value::as_u64).unwrap_or(0)
    }

    fn count(&mut self, what: String) {
        let next = self.version(&what) + 1;
        self.store.aside.insert(what, json!(next));
    }
}

/// How Bitbucket refuses.
fn refusal(status: StatusCode, message: &str, exception: &str) -> Answer {
    let exception = format!("com.atlassian.bitbucket.{exception}");
    let error = json!({ "context": null, "message": message, "exceptionName": exception });
    Answer::json(status, &json!({ "errors": [error] }))
}

fn not_found(what: &str) -> Answer {
    let words = format!("{what} does not exist.");
    refusal(StatusCode::NOT_FOUND, &words, "NoSuchEntityException")
}

/// `400`: a field is wrong.
fn invalid(field: &str, why: &str) -> Answer {
    let error = json!({ "context": field, "message": why, "exceptionName": null });
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "errors": [error] }))
}

fn conflict(message: &str, exception: &str) -> Answer {
    refusal(StatusCode::CONFLICT, message, exception)
}

/// `409`: somebody else was first.
fn outdated(now: u64) -> Answer {
    let words = "You are attempting to modify an object based on out-of-date information.";
    let error = json!({ "context": null, "message": words, "currentVersion": now,
        "exceptionName": "com.atlassian.bitbucket.pull.PullRequestOutOfDateException" });
    Answer::json(StatusCode::CONFLICT, &json!({ "errors": [error] }))
}

fn unauthorized() -> Answer {
    let words = "You are not permitted to access this resource";
    refusal(StatusCode::UNAUTHORIZED, words, "AuthorisationException")
}

fn writes(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

impl Product for BitbucketServer {
    // Source: Bitbucket Data Center, "Improving instance stability with rate limiting": a bucket
    // of 60 tokens, filled with 5 a second; off unless an administrator turns it on.
    fn published_limits(&self) -> Vec<Limit> {
        let window = Duration::from_secs(12);
        vec![Limit { name: "tokens", allowance: 60, window, toll: |_, _| 1 }]
    }

    fn limit_headers(&self, standings: &[Standing]) -> Vec<(&'static str, String)> {
        let Some(it) = standings.first() else { return Vec::new() };
        vec![
            ("x-ratelimit-limit", it.allowance.to_string()),
            ("x-ratelimit-remaining", it.left.to_string()),
            ("x-ratelimit-interval-seconds", "1".to_owned()),
            ("x-ratelimit-fillrate", "5".to_owned()),
        ]
    }

    fn too_many(&self, standing: &Standing) -> Answer {
        let words = "You have exceeded the rate limit for this Bitbucket instance.";
        refusal(StatusCode::TOO_MANY_REQUESTS, words, "RateLimitException")
            .with("retry-after", &standing.wait.to_string())
    }

    fn broken(&self) -> Answer {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "An error occurred.", "ServerException")
    }

    fn repository(&self, path: &str) -> (String, RepoKind) {
        let path = path.trim_start_matches('/');
        (path.strip_prefix("scm/").unwrap_or(path).to_owned(), RepoKind::Code)
    }

    fn page_parameter(&self) -> &'static str {
        "start"
    }

    fn own_refs(&self) -> &'static str {
        "refs/pull-requests"
    }

    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let who = match &request.caller {
            Caller::Wrong => {
                let words = "Authentication failed. Please check your credentials and try again.";
                let exception = "auth.IncorrectPasswordAuthenticationException";
                return refusal(StatusCode::UNAUTHORIZED, words, exception);
            }
            Caller::Anonymous if writes(&request.method) => return unauthorized(),
            Caller::Anonymous => String::new(),
            Caller::Known { login, .. } => login.clone(),
        };
        if request.is_malformed() {
            return invalid("body", "Invalid JSON");
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let ["rest", part, _, path @ ..] = segments.as_slice() else { return not_found("This") };
        let mut desk = Desk { request, store, body: request.json(), who };
        let answer = route(&mut desk, part, path);
        let user = desk.who.clone();
        if user.is_empty() { answer } else { answer.with("x-ausername", &user) }
    }
}

fn route(desk: &mut Desk<'_>, part: &str, path: &[&str]) -> Answer {
    match path {
        ["projects", key, "repos", slug, rest @ ..] => match place(desk, part, (key, slug), rest) {
            Ok(place) => repository_route(desk, &place, part, rest),
            Err(answer) => *answer,
        },
        ["commits", sha] if *part == *"build-status" => {
            if writes(&desk.request.method) && !desk.request.caller.may(Access::Write) {
                return unauthorized();
            }
            project::build_status(desk, sha)
        }
        ["migration", "imports", rest @ ..] if part == "api" => migration::route(desk, rest),
        _ if part == "api" => account::route(desk, path),
        _ => not_found("This"),
    }
}

/// Lets the caller through to a repository, or says why not as Bitbucket does.
fn place(
    desk: &Desk<'_>,
    part: &str,
    (key, slug): (&str, &str),
    rest: &[&str],
) -> Result<Place, Box<Answer>> {
    let found = desk.store.project(&format!("{key}/{slug}"));
    let (id, project, scope) = found.ok_or_else(|| {
        let words = format!("Repository {key}/{slug} does not exist.");
        let exception = "repository.NoSuchRepositoryException";
        Box::new(refusal(StatusCode::NOT_FOUND, &words, exception))
    })?;
    let writes = writes(&desk.request.method);
    let is_setting =
        !matches!(part, "api" | "branch-utils") || matches!(rest, ["webhooks" | "permissions", ..]);
    let wanted = match (writes, is_setting) {
        (_, true) => Access::Admin,
        (true, false) if rest.is_empty() => Access::Admin,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    let is_open = project.visibility == Visibility::Public && wanted == Access::Read;
    if !desk.request.caller.may(wanted) && !is_open {
        return Err(Box::new(unauthorized()));
    }
    let is_archived = desk.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
    if writes && !rest.is_empty() && is_archived.is_some() {
        let words = "The repository is archived and cannot be changed.";
        let exception = "repository.RepositoryArchivedException";
        return Err(Box::new(refusal(StatusCode::CONFLICT, words, exception)));
    }
    let path = project.path.clone();
    Ok(Place { id, path, scope })
}

fn repository_route(desk: &mut Desk<'_>, place: &Place, part: &str, rest: &[&str]) -> Answer {
    let answer = match (part, rest) {
        ("api", ["pull-requests", _, "comments" | "activities" | "blocker-comments", ..]) => {
            talk::route(desk, place, rest)
        }
        ("api", ["commits", _, "comments", ..]) => talk::route(desk, place, rest),
        ("api", ["pull-requests", ..]) => change::route(desk, place, rest),
        ("api", ["webhooks" | "permissions", ..]) => setting::route(desk, place, rest),
        ("api", _) => project::route(desk, place, rest),
        ("branch-utils", rest) => project::branch_utils(desk, place, rest),
        ("keys", ["ssh", rest @ ..]) => setting::keys(desk, place, rest),
        ("branch-permissions", ["restrictions", rest @ ..]) => {
            setting::restrictions(desk, place, rest)
        }
        ("default-reviewers", ["conditions" | "reviewers"]) => Some(Answer::ok(&json!([]))),
        _ => None,
    };
    answer.unwrap_or_else(|| not_found("This"))
}

/// The project of a place, to change it.
fn project_of<'a>(desk: &'a mut Desk<'_>, place: &Place) -> Option<&'a mut Project> {
    desk.store.get_mut::<Project>(&Scope::Shared, place.id)
}
