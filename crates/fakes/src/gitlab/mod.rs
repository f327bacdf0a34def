//! GitLab: REST v4 below `/api/v4`.
//!
//! Known to be looser than the product: the branches of a merge request need not
//! exist, nor the commit that a branch is made at; merging moves the target to the
//! source's commit, positions of diff notes are believed, there are no differences
//! to be asked for, and listings of events are empty. Iterations and epics are not there.
//!
//! Sources: GitLab's REST documentation and its OpenAPI description, which says `string` of many
//! a number; where the two differ, the documentation's examples decide.

mod account;
mod board;
mod change;
mod commit;
mod file;
mod group_import;
mod import;
mod issue;
mod project;
mod release;
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
    model::{Identity, Project, State, StateValue, Time, Visibility},
};
use serde_json::{Value, json};
use std::time::Duration;
use view::View;

/// Most entries for which GitLab says how many there are.
///
/// Source: GitLab, "REST API", "Pagination response headers".
const MOST_COUNTED: usize = 10_000;

/// GitLab as a [`Product`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Gitlab;

/// One request on its way through.
struct Desk<'a> {
    request: &'a Request,
    store: &'a mut Store,
    body: Value,
    /// Whose request it is, after `Sudo`.
    who: String,
}

/// A project that the caller may see, as far as the request goes.
struct Place {
    id: u64,
    path: String,
    scope: Scope,
}

impl Desk<'_> {
    fn view(&self) -> View<'_> {
        View { store: self.store, home: &self.request.home }
    }

    fn is_admin(&self) -> bool {
        self.request.caller.may(Access::Admin)
    }

    /// The caller, as an author.
    fn author(&self) -> Identity {
        let known = self.store.known_user(&self.who).map(|(_, it)| it.identity.clone());
        known.unwrap_or_else(|| Identity::login(&self.who, None))
    }

    /// A field of the body, or of the query, which GitLab takes as well.
    fn field(&self, name: &str) -> Value {
        match self.body.get(name) {
            Some(value) => value.clone(),
            None => self.request.query(name).map_or(Value::Null, Value::from),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.field(name).as_str().map(str::to_owned)
    }

    fn number(&self, name: &str) -> Option<u64> {
        let value = self.field(name);
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let value = self.field(name);
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }

    /// Names that come as a list, or as one text with commas.
    fn names(&self, name: &str) -> Option<Vec<String>> {
        let value = self.field(name);
        if let Some(text) = value.as_str() {
            let names = text.split(',').map(str::trim).filter(|it| !it.is_empty());
            return Some(names.map(str::to_owned).collect());
        }
        let list = value.as_array()?;
        Some(list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
    }

    /// People by their numbers; those that are not known are left out.
    fn people(&self, name: &str) -> Option<Vec<Identity>> {
        let list = self.field(name);
        let known = |id: u64| {
            let user = self.store.get::<packhorse_core::model::User>(&Scope::Shared, id)?;
            Some(user.identity.clone())
        };
        Some(list.as_array()?.iter().filter_map(Value::as_u64).filter_map(known).collect())
    }

    /// Whether the one who acts may say when something was made: administrators and owners, and
    /// not those in whose name one of them acts.
    fn may_date(&self) -> bool {
        self.is_admin() && self.request.caller.login() == Some(self.who.as_str())
    }

    /// When something is said to have been made.
    fn moment(&self) -> Option<Time> {
        let told = self.text("created_at").and_then(|it| it.parse().ok());
        told.filter(|_| self.may_date()).or_else(|| self.store.now())
    }

    /// The numbers that a listing is asked for; `None` where it is asked for all.
    fn numbers(&self) -> Option<Vec<u64>> {
        let named = self.request.query.iter().filter(|(name, _)| name == "iids[]");
        let numbers: Vec<u64> = named.filter_map(|(_, it)| it.parse().ok()).collect();
        (!numbers.is_empty()).then_some(numbers)
    }

    /// A page of a listing, with the way on.
    fn page(&self, all: Vec<Value>) -> Answer {
        let window = self.request.window("page", "per_page", 20, 100);
        let total = all.len();
        let last = window.last(total);
        let address = format!("{}{}", self.request.home, self.request.target);
        let next = if window.page < last { (window.page + 1).to_string() } else { String::new() };
        let before = if window.page > 1 { (window.page - 1).to_string() } else { String::new() };
        let mut answer = Answer::ok(&Value::Array(window.of(all)))
            .with("x-page", &window.page.to_string())
            .with("x-per-page", &window.size.to_string())
            .with("x-next-page", &next)
            .with("x-prev-page", &before);
        if total <= MOST_COUNTED {
            answer =
                answer.with("x-total", &total.to_string()).with("x-total-pages", &last.to_string());
        }
        match window.link(&address, "page", total) {
            Some(link) => answer.with("link", &link),
            None => answer,
        }
    }
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({ "message": message }))
}

/// `404`, with what was not found.
fn not_found(what: &str) -> Answer {
    let words =
        if what.is_empty() { "404 Not found".into() } else { format!("404 {what} Not Found") };
    refusal(StatusCode::NOT_FOUND, &words)
}

/// `400` for a parameter that has to be there.
fn missing(name: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": format!("{name} is missing") }))
}

/// `400` for a field that is wrong.
fn invalid(field: &str, why: &str) -> Answer {
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "message": { field: [why] } }))
}

fn writes(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

fn last_is(segments: &[String], name: &str) -> bool {
    segments.last().is_some_and(|it| it == name)
}

impl Product for Gitlab {
    // Source: GitLab, "Rate limits on GitLab.com"; "Rate limits on issue and note creation".
    fn published_limits(&self) -> Vec<Limit> {
        const MINUTE: Duration = Duration::from_secs(60);
        let limit = |name, allowance, toll| Limit { name, allowance, window: MINUTE, toll };
        vec![
            limit("notes", 60, |method, path| {
                u64::from(method == Method::POST && last_is(path, "notes"))
            }),
            limit("issues", 200, |method, path| {
                u64::from(method == Method::POST && last_is(path, "issues"))
            }),
            limit("project_import", 6, |method, path| {
                let ways = ["import", "remote-import", "remote-import-s3"];
                let is = ways.into_iter().any(|it| last_is(path, it));
                u64::from(method == Method::POST && is)
            }),
            limit("throttle_authenticated_api", 2_000, |_, _| 1),
        ]
    }

    fn limit_headers(&self, standings: &[Standing]) -> Vec<(&'static str, String)> {
        let Some(it) = standings.last() else { return Vec::new() };
        vec![
            ("ratelimit-name", it.name.to_owned()),
            ("ratelimit-limit", it.allowance.to_string()),
            ("ratelimit-observed", (it.allowance - it.left).to_string()),
            ("ratelimit-remaining", it.left.to_string()),
            ("ratelimit-reset", it.reset.to_string()),
        ]
    }

    fn too_many(&self, standing: &Standing) -> Answer {
        let words = "This endpoint has been requested too many times. Try again later.";
        let answer =
            Answer::json(StatusCode::TOO_MANY_REQUESTS, &json!({ "message": { "error": words } }));
        answer.with("retry-after", &standing.wait.to_string())
    }

    fn broken(&self) -> Answer {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error")
    }

    fn own_refs(&self) -> &'static str {
        "refs/merge-requests"
    }

    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let ["api", "v4", path @ ..] = segments.as_slice() else { return not_found("") };
        let unauthorized = || refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized");
        let mut who = match &request.caller {
            Caller::Wrong => return unauthorized(),
            Caller::Anonymous if writes(&request.method) => return unauthorized(),
            Caller::Anonymous => String::new(),
            Caller::Known { login, .. } => login.clone(),
        };
        if let Some(name) = request.header("sudo").or_else(|| request.query("sudo")) {
            match sudo(request, store, name) {
                Ok(login) => who = login,
                Err(refused) => return *refused,
            }
        }
        if request.header("content-type").is_some_and(|it| it.contains("json"))
            && request.is_malformed()
        {
            return Answer::json(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "There was a problem in the JSON you submitted" }),
            );
        }
        let mut desk = Desk { request, store, body: request.json(), who };
        route(&mut desk, path).with("x-gitlab-meta", r#"{"version":"1"}"#)
    }
}

/// Whom an administrator acts as.
///
/// Source: GitLab, "REST API authentication", "Sudo".
fn sudo(request: &Request, store: &Store, name: &str) -> Result<String, Box<Answer>> {
    if !request.caller.may(Access::Admin) {
        let words = "403 Forbidden - Must be admin to use sudo";
        return Err(Box::new(refusal(StatusCode::FORBIDDEN, words)));
    }
    let by_id = name
        .parse()
        .ok()
        .and_then(|id| store.get::<packhorse_core::model::User>(&Scope::Shared, id))
        .map(|it| it.identity.login.clone());
    let found = by_id.or_else(|| store.known_user(name).map(|(_, it)| it.identity.login.clone()));
    found.ok_or_else(|| Box::new(not_found(&format!("User with ID or username '{name}'"))))
}

fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    match path {
        ["projects"] => project::list(desk),
        ["projects", "import"] if writes(&desk.request.method) => import::begin(desk),
        ["projects", "remote-import"] if writes(&desk.request.method) => import::begin_remote(desk),
        ["projects", "remote-import-s3"] if writes(&desk.request.method) => {
            import::begin_from_bucket(desk)
        }
        ["application", "settings"] => import::settings(desk),
        ["projects", name, rest @ ..] => match place(desk, name, rest) {
            Ok(place) => project_route(desk, &place, rest),
            Err(answer) => *answer,
        },
        _ => account::route(desk, path),
    }
}

/// What in a project only its maintainers see and change.
fn is_setting(rest: &[&str]) -> bool {
    matches!(rest, ["hooks" | "deploy_keys" | "variables" | "archive" | "unarchive", ..])
}

/// Lets the caller through to a project, or says why not as GitLab does.
fn place(desk: &Desk<'_>, name: &str, rest: &[&str]) -> Result<Place, Box<Answer>> {
    let by_id = name.parse().ok().and_then(|id| {
        let project = desk.store.get::<Project>(&Scope::Shared, id)?;
        Some((id, project, Scope::Project(project.path.clone())))
    });
    let found = by_id.or_else(|| desk.store.project(name));
    let (id, project, scope) = found.ok_or_else(|| Box::new(not_found("Project")))?;
    let caller = &desk.request.caller;
    if project.visibility != Visibility::Public && !caller.may(Access::Read) {
        return Err(Box::new(not_found("Project")));
    }
    let writes = writes(&desk.request.method);
    let wanted = match (writes, is_setting(rest)) {
        (_, true) => Access::Admin,
        (true, false) if rest.is_empty() => Access::Admin,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    let is_open = project.visibility == Visibility::Public && wanted == Access::Read;
    if !caller.may(wanted) && !is_open {
        let refused = match caller {
            Caller::Known { .. } => refusal(StatusCode::FORBIDDEN, "403 Forbidden"),
            Caller::Anonymous | Caller::Wrong => {
                refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized")
            }
        };
        return Err(Box::new(refused));
    }
    let is_archived = desk.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
    if writes && !rest.is_empty() && !is_setting(rest) && is_archived.is_some() {
        return Err(Box::new(refusal(StatusCode::FORBIDDEN, "403 Forbidden")));
    }
    let path = project.path.clone();
    Ok(Place { id, path, scope })
}

fn project_route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Answer {
    let answer = match rest {
        [] | ["archive" | "unarchive" | "repository" | "statuses" | "users", ..] => {
            project::route(desk, place, rest)
        }
        ["labels" | "milestones", ..] => issue::route(desk, place, rest),
        [
            "issues" | "merge_requests" | "snippets",
            _,
            "notes" | "discussions" | "award_emoji",
            ..,
        ] => talk::route(desk, place, rest),
        ["issues", ..] => issue::route(desk, place, rest),
        ["merge_requests", ..] => change::route(desk, place, rest),
        ["releases", ..] => release::route(desk, place, rest),
        ["wikis"] if !writes(&desk.request.method) => Some(project::wikis(desk, place)),
        ["uploads" | "packages", ..] => file::route(desk, place, rest),
        ["boards" | "snippets", ..] => board::route(desk, place, rest),
        ["import"] if !writes(&desk.request.method) => Some(import::asked(desk, place)),
        ["members" | "share" | "hooks" | "deploy_keys" | "variables", ..]
        | ["protected_branches" | "protected_tags", ..] => setting::route(desk, place, rest),
        _ => None,
    };
    answer.unwrap_or_else(|| not_found(""))
}

/// The id of a commit by its own id, or by a branch or tag.
fn commit(desk: &Desk<'_>, place: &Place, name: &str) -> String {
    let refs = desk.store.refs(&place.path, RepoKind::Code);
    let found =
        ["refs/heads/", "refs/tags/"].iter().find_map(|it| refs.get(&format!("{it}{name}")));
    found.cloned().unwrap_or_else(|| name.to_owned())
}
