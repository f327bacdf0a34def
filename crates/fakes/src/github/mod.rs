//! GitHub: REST v3, the GraphQL that REST has no answer for, issue import, uploads.
//!
//! Answers at the root, as api.github.com does, and below `/api/v3`,
//! `/api/graphql` and `/api/uploads`, as an Enterprise Server does; addresses in
//! answers follow the way that was asked.
//!
//! Known to be looser than the product: a commit's id is believed where it is
//! only mentioned (statuses, comments); events are made for closing and
//! reopening alone; searches, projects and automation are not there.
//!
//! Sources: GitHub's OpenAPI description; recorded answers of api.github.com;
//! recorded exchanges of the issue-import API, which no description has.

mod account;
mod change;
mod graphql;
mod guard;
mod import;
mod issue;
mod migration;
mod people;
mod project;
mod release;
mod review;
mod ruleset;
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
    Scope,
    model::{Project, State, StateValue, Visibility},
};
use serde_json::{Value, json};
use std::time::Duration;
use view::View;

/// GitHub as a [`Product`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Github;

/// One request on its way through.
struct Desk<'a> {
    request: &'a Request,
    store: &'a mut Store,
    /// Where the API is, as the caller sees it.
    api: String,
    /// Where uploads go, as the caller sees it.
    uploads: String,
    /// Whose request it is.
    who: String,
}

impl Desk<'_> {
    fn view(&self) -> View<'_> {
        View { store: self.store, api: &self.api, uploads: &self.uploads, home: &self.request.home }
    }

    /// A page of a listing, with the way on.
    fn page(&self, all: Vec<Value>) -> Answer {
        self.page_of(all, |it| it)
    }

    /// The same, where only what is on the page is put into the words of the host.
    fn page_of<T>(&self, all: Vec<T>, told: impl FnMut(T) -> Value) -> Answer {
        let window = self.request.window("page", "per_page", 30, 100);
        let total = all.len();
        let address = format!("{}{}", self.request.home, self.request.target);
        let answer = Answer::ok(&window.of(all).into_iter().map(told).collect());
        match window.link(&address, "page", total) {
            Some(link) => answer.with("link", &link),
            None => answer,
        }
    }
}

/// How GitHub says that something is not there, or not for the caller.
fn not_found() -> Answer {
    refusal(StatusCode::NOT_FOUND, "Not Found")
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    let link = "https://docs.github.com/rest";
    let number = status.as_u16().to_string();
    let words = json!({ "message": message, "documentation_url": link, "status": number });
    Answer::json(status, &words)
}

/// `422`: a field is wrong. `code` is `missing`, `missing_field`, `invalid`, `already_exists` or `custom`.
fn invalid(resource: &str, field: &str, code: &str) -> Answer {
    let words = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": resource, "code": code, "field": field }],
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
    });
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &words)
}

/// `422` in words.
fn unprocessable(message: &str) -> Answer {
    let words = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": "Object", "code": "custom", "message": message }],
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
    });
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &words)
}

/// `422` in words, as the operations on reviews say it.
fn refused_in_words(message: &str) -> Answer {
    let words = json!({
        "message": "Unprocessable Entity",
        "errors": [message],
        "documentation_url": "https://docs.github.com/rest",
        "status": "422",
    });
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &words)
}

fn writes(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

fn is_graphql(segments: &[String]) -> bool {
    segments.last().is_some_and(|it| it == "graphql")
}

/// Whether a request makes content that people are told of.
fn makes_content(method: &Method, segments: &[String]) -> u64 {
    let content = ["issues", "comments", "pulls", "reviews", "replies", "reactions", "releases"];
    let last = segments.last().map_or("", String::as_str);
    u64::from(method == Method::POST && content.contains(&last))
}

impl Product for Github {
    // Source: GitHub, "Rate limits for the REST API": primary and secondary limits.
    fn published_limits(&self) -> Vec<Limit> {
        const HOUR: Duration = Duration::from_secs(3600);
        const MINUTE: Duration = Duration::from_secs(60);
        let limit = |name, allowance, window, toll| Limit { name, allowance, window, toll };
        vec![
            limit("content a minute", 80, MINUTE, makes_content),
            limit("content an hour", 500, HOUR, makes_content),
            limit("points", 900, MINUTE, |method, _| if writes(method) { 5 } else { 1 }),
            limit("graphql", 5000, HOUR, |_, segments| u64::from(is_graphql(segments))),
            limit("core", 5000, HOUR, |_, segments| {
                let free = segments.last().is_some_and(|it| it == "rate_limit");
                u64::from(!is_graphql(segments) && !free)
            }),
        ]
    }

    fn limit_headers(&self, standings: &[Standing]) -> Vec<(&'static str, String)> {
        let primary = standings.iter().find(|it| matches!(it.name, "core" | "graphql"));
        let Some(it) = primary else { return Vec::new() };
        vec![
            ("x-ratelimit-limit", it.allowance.to_string()),
            ("x-ratelimit-remaining", it.left.to_string()),
            ("x-ratelimit-used", (it.allowance - it.left).to_string()),
            ("x-ratelimit-reset", it.reset.to_string()),
            ("x-ratelimit-resource", it.name.to_owned()),
        ]
    }

    fn too_many(&self, standing: &Standing) -> Answer {
        if matches!(standing.name, "core" | "graphql") {
            return refusal(StatusCode::FORBIDDEN, "API rate limit exceeded for user ID 1.");
        }
        let words = "You have exceeded a secondary rate limit and have been temporarily blocked \
                     from content creation. Please retry your request again later.";
        refusal(StatusCode::FORBIDDEN, words).with("retry-after", &standing.wait.to_string())
    }

    fn broken(&self) -> Answer {
        Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "message": "Server Error" }))
    }

    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let home = &request.home;
        let (api, uploads, path) = match segments.as_slice() {
            ["api", "v3", rest @ ..] => {
                (format!("{home}/api/v3"), format!("{home}/api/uploads"), rest)
            }
            ["api", "uploads", rest @ ..] => {
                (format!("{home}/api/v3"), format!("{home}/api/uploads"), rest)
            }
            ["api", "graphql"] => {
                (format!("{home}/api/v3"), format!("{home}/api/uploads"), &["graphql"][..])
            }
            rest => (home.clone(), home.clone(), rest),
        };
        let who = match &request.caller {
            Caller::Wrong => return refusal(StatusCode::UNAUTHORIZED, "Bad credentials"),
            Caller::Anonymous => String::new(),
            Caller::Known { login, .. } => login.clone(),
        };
        let path = path.to_vec();
        let mut desk = Desk { request, store, api, uploads, who };
        let answer = route(&mut desk, &path);
        answer
            .with("x-github-media-type", "github.v3; format=json")
            .with("x-github-api-version-selected", "2022-11-28")
            .with(
                "x-oauth-scopes",
                if request.caller.may(Access::Admin) {
                    "admin:org, admin:repo_hook, repo, user"
                } else {
                    "repo"
                },
            )
            .with("x-github-request-id", "FAKE:1:2:3:4")
    }
}

/// A project that the caller may see, as far as the request goes.
struct Place {
    id: u64,
    path: String,
    scope: Scope,
}

fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    if desk.request.header("content-type").is_some_and(|it| it.contains("json"))
        && desk.request.is_malformed()
    {
        return refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON");
    }
    match path {
        ["graphql"] => graphql::answer(desk),
        ["organizations", id, "gei", "archive", rest @ ..] => migration::storage(desk, id, rest),
        ["migration-logs", id] => migration::log(desk, id),
        ["meta" | "rate_limit" | "user" | "users" | "orgs" | "organizations", ..] => {
            account::route(desk, path)
        }
        ["repos", owner, name, rest @ ..] => match place(desk, owner, name, rest) {
            Ok(place) => project_route(desk, &place, rest),
            Err(answer) => *answer,
        },
        _ => not_found(),
    }
}

/// What in a project only its administrators see and change.
fn is_setting(rest: &[&str]) -> bool {
    matches!(
        rest,
        [
            "hooks"
                | "keys"
                | "collaborators"
                | "import"
                | "actions"
                | "teams"
                | "rulesets"
                | "autolinks",
            ..
        ] | ["branches", _, "protection", ..]
    )
}

/// Lets the caller through to a project, or says why not as GitHub does.
fn place(desk: &Desk<'_>, owner: &str, name: &str, rest: &[&str]) -> Result<Place, Box<Answer>> {
    let found = desk.store.project(&format!("{owner}/{name}"));
    let (id, project, scope) = found.ok_or_else(|| Box::new(not_found()))?;
    let caller = &desk.request.caller;
    if project.visibility != Visibility::Public && !caller.may(Access::Read) {
        return Err(Box::new(not_found()));
    }
    let writes = writes(&desk.request.method);
    let is_open = matches!(rest, ["collaborators", _, "permission"]);
    let wanted = match (writes, is_setting(rest) && !is_open) {
        (_, true) => Access::Admin,
        (true, false) if rest.is_empty() => Access::Admin,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    let is_public = project.visibility == Visibility::Public && wanted == Access::Read;
    if !caller.may(wanted) && !is_public {
        return Err(Box::new(match caller {
            Caller::Known { .. } if wanted == Access::Admin => {
                refusal(StatusCode::FORBIDDEN, "Must have admin rights to Repository.")
            }
            Caller::Known { .. } => {
                refusal(StatusCode::FORBIDDEN, "Resource not accessible by personal access token")
            }
            Caller::Anonymous | Caller::Wrong => {
                refusal(StatusCode::UNAUTHORIZED, "Requires authentication")
            }
        }));
    }
    let is_archived = desk.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
    if writes && !rest.is_empty() && is_archived.is_some() {
        let words = "Repository was archived so is read-only.";
        return Err(Box::new(refusal(StatusCode::FORBIDDEN, words)));
    }
    let path = project.path.clone();
    Ok(Place { id, path, scope })
}

fn project_route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Answer {
    let answer = match rest {
        [] | ["topics" | "git" | "commits" | "autolinks" | "statuses", ..] => {
            project::route(desk, place, rest)
        }
        ["branches", ..] => guard::route(desk, place, rest),
        ["rulesets", rest @ ..] => ruleset::route(desk, place, rest),
        ["labels" | "milestones", ..] => talk::route(desk, place, rest),
        ["import", "issues", rest @ ..] => import::route(desk, place, rest),
        ["issues", "comments" | "events", ..] => talk::route(desk, place, rest),
        ["issues", _, "comments" | "events" | "timeline" | "reactions", ..] => {
            talk::route(desk, place, rest)
        }
        ["issues", ..] => issue::route(desk, place, rest),
        ["pulls", "comments", ..] | ["pulls", _, "reviews" | "comments", ..] => {
            review::route(desk, place, rest)
        }
        ["pulls", ..] => change::route(desk, place, rest),
        ["releases", ..] => release::route(desk, place, rest),
        ["comments", ..] => talk::route(desk, place, rest),
        ["hooks" | "keys" | "collaborators" | "teams" | "actions" | "assignees", ..] => {
            people::route(desk, place, rest)
        }
        _ => None,
    };
    answer.unwrap_or_else(not_found)
}

/// The project of a place, to change it.
fn project_of<'a>(desk: &'a mut Desk<'_>, place: &Place) -> Option<&'a mut Project> {
    desk.store.get_mut::<Project>(&Scope::Shared, place.id)
}
