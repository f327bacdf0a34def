//! Gitea, API v1, as of 1.23.
//!
//! Authors by `Sudo`, numbers in one row for issues and pull requests, labels
//! and milestones by id, files by multipart, no limits. Answers below `/api/v1`.
//!
//! Known to be looser than the product: a commit's id is believed where it is
//! only mentioned; a position in a diff is believed; the timeline holds what was
//! filled and comments, not what the API does.
//!
//! Sources: Gitea's Swagger description; recorded answers of Gitea 1.15.

mod account;
mod issue;
mod label;
mod project;
mod pull;
mod release;
mod rule;
mod view;

use crate::{
    access::{Access, Caller},
    archive::Archive,
    exchange::{Answer, Request},
    limit::{Limit, Standing},
    server::Product,
    store::Store,
};
use http::{Method, StatusCode};
use packhorse_core::{
    HostError, HostErrorKind, Object, Record, Scope,
    model::{Identity, Organization, Project, State, StateValue, Visibility},
};
use serde_json::{Value, json};
use std::path::Path;
use view::View;

/// Gitea as a [`Product`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Gitea;

/// What [`Store::aside`](crate::store::Store) says where the host is a Forgejo.
const FORGEJO: &str = "forgejo";

impl Gitea {
    /// Makes a Forgejo of it, in what the two differ here: its version, and comments on code.
    pub fn become_forgejo(store: &mut Store) {
        store.aside.insert(FORGEJO.to_owned(), Value::Bool(true));
    }

    /// What `gitea restore-repo` does on the server: takes the dump of a repository into a new one.
    ///
    /// # Errors
    ///
    /// When it is no dump, its owner is not there, or the repository is there already.
    pub fn restore(store: &mut Store, dump: &Path, project: &str) -> Result<(), HostError> {
        let fail = |kind| HostError::new(kind, "restore a dump").with("repository", project);
        let owner = project.split('/').next().unwrap_or_default();
        let is_owner = |it: &Organization| it.path == owner;
        let has_owner = store.known_user(owner).is_some()
            || store.find::<Organization>(&Scope::Shared, is_owner).is_some();
        if !has_owner {
            return Err(fail(HostErrorKind::NotFound));
        }
        if store.project(project).is_some() {
            return Err(fail(HostErrorKind::Conflict));
        }
        let archive = Archive::of(&packhorse_archive::gitea_dump::SPEC, dump)?;
        let mut content = archive.read()?;
        let Some(held) = content.projects.first().cloned() else {
            return Err(fail(HostErrorKind::Rejected));
        };
        let held = Project { path: project.to_owned(), ..held };
        content.records.retain(|(scope, _)| scope.project().is_some());
        store.fill([(Scope::Shared, Record::new(project, Object::from(held)))]);
        archive.take(store, content, |_| project.to_owned())
    }
}

/// One request on its way through.
struct Desk<'a> {
    request: &'a Request,
    store: &'a mut Store,
    /// As whom it is done: the caller, or whom an administrator named in `Sudo`.
    who: Identity,
}

impl Desk<'_> {
    fn view(&self) -> View<'_> {
        View { store: self.store, home: &self.request.home }
    }

    fn is_forgejo(&self) -> bool {
        self.store.aside.contains_key(FORGEJO)
    }

    /// A page of a listing. Source: Gitea, `DEFAULT_PAGING_NUM` 30, `MAX_RESPONSE_ITEMS` 50.
    fn page(&self, all: Vec<Value>) -> Answer {
        self.page_of(all, |it| it)
    }

    /// The same, where only what is on the page is put into the words of the host.
    fn page_of<T>(&self, all: Vec<T>, told: impl FnMut(T) -> Value) -> Answer {
        let window = self.request.window("page", "limit", 30, 50);
        let total = all.len();
        let address = format!("{}{}", self.request.home, self.request.target);
        let page: Vec<Value> = window.of(all).into_iter().map(told).collect();
        let count = if self.is_of("timeline") { page.len() } else { total };
        let answer = Answer::ok(&Value::Array(page)).with("x-total-count", &count.to_string());
        match window.link(&address, "page", total).filter(|_| self.has_links()) {
            Some(link) => answer.with("link", &link),
            None => answer,
        }
    }

    /// Whether a listing tells its next page; these tell only how many records there are, and that
    /// of what happened how many are on the page.
    ///
    /// Source: answers of Gitea 1.24.6.
    fn has_links(&self) -> bool {
        !["comments", "timeline", "reviews", "members"].into_iter().any(|it| self.is_of(it))
    }

    fn is_of(&self, last: &str) -> bool {
        let path = self.request.target.split('?').next().unwrap_or_default();
        path.rsplit('/').next() == Some(last)
    }
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    let words = json!({ "message": message, "url": "http://localhost/api/swagger" });
    Answer::json(status, &words)
}

fn not_found() -> Answer {
    let words = json!({
        "errors": [], "message": "The target couldn't be found.", "url": "http://localhost/api/swagger",
    });
    Answer::json(StatusCode::NOT_FOUND, &words)
}

fn unprocessable(message: &str) -> Answer {
    refusal(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// A text field of a body that is there and says something.
fn word(body: &Value, field: &str) -> Option<String> {
    body[field].as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

impl Product for Gitea {
    fn published_limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    fn limit_headers(&self, _standings: &[Standing]) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn too_many(&self, standing: &Standing) -> Answer {
        refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests")
            .with("retry-after", &standing.wait.to_string())
    }

    fn broken(&self) -> Answer {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
    }

    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let who = match &request.caller {
            Caller::Wrong => {
                return refusal(StatusCode::UNAUTHORIZED, "invalid username, password or token");
            }
            Caller::Anonymous => String::new(),
            Caller::Known { login, .. } => login.clone(),
        };
        let who = match request.header("sudo").or_else(|| request.query("sudo")) {
            Some(_) if !request.caller.may(Access::Admin) => {
                return refusal(StatusCode::FORBIDDEN, "Only administrators allowed to sudo.");
            }
            Some(login) if store.known_user(login).is_none() => {
                return refusal(StatusCode::NOT_FOUND, "user redirect does not exist");
            }
            Some(login) => login.to_owned(),
            None => who,
        };
        let known = store.known_user(&who).map(|(_, it)| it.identity.clone());
        let who = known.unwrap_or_else(|| Identity::login(&who, None));
        let mut desk = Desk { request, store, who };
        match segments.as_slice() {
            ["api", "v1", path @ ..] => route(&mut desk, path),
            ["attachments", name] => release::download(&desk, name),
            _ => not_found(),
        }
    }

    fn own_refs(&self) -> &'static str {
        "refs/pull"
    }

    /// Seen at Gitea 1.24.6, where a queue takes in what was pushed into an empty repository.
    ///
    /// Source: Gitea, `services/repository/push.go`, `pushNewBranch`.
    fn notices_after(&self) -> u32 {
        2
    }
}

/// A project that the caller may see, as far as the request goes.
struct Place {
    id: u64,
    path: String,
    scope: Scope,
}

fn route(desk: &mut Desk<'_>, path: &[&str]) -> Answer {
    let is_json = desk.request.header("content-type").is_some_and(|it| it.contains("json"));
    if is_json && desk.request.is_malformed() {
        return unprocessable("[]: json: invalid syntax");
    }
    match path {
        ["repos", "search"] => project::search(desk),
        ["repos", owner, name, rest @ ..] => match place(desk, owner, name, rest) {
            Ok(place) => project_route(desk, &place, rest),
            Err(answer) => *answer,
        },
        _ => account::route(desk, path).unwrap_or_else(not_found),
    }
}

fn is_setting(rest: &[&str]) -> bool {
    matches!(
        rest,
        ["hooks" | "keys" | "branch_protections" | "tag_protections" | "teams" | "actions", ..]
    )
}

fn place(desk: &Desk<'_>, owner: &str, name: &str, rest: &[&str]) -> Result<Place, Box<Answer>> {
    let found = desk.store.project(&format!("{owner}/{name}"));
    let (id, project, scope) = found.ok_or_else(|| Box::new(not_found()))?;
    let (caller, method) = (&desk.request.caller, &desk.request.method);
    let writes = method != Method::GET && method != Method::HEAD;
    let sets =
        is_setting(rest) || (writes && matches!(rest, [] | ["collaborators" | "topics", ..]));
    let wanted = match (writes, sets) {
        (_, true) => Access::Admin,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    let is_public = project.visibility == Visibility::Public;
    if !is_public && !caller.may(Access::Read) {
        return Err(Box::new(not_found()));
    }
    let may_read = is_public && wanted == Access::Read;
    if !caller.may(wanted) && !may_read {
        return Err(Box::new(match caller {
            Caller::Known { .. } => refusal(
                StatusCode::FORBIDDEN,
                "user should be an owner or a collaborator with write or admin rights of a repo",
            ),
            Caller::Anonymous | Caller::Wrong => {
                refusal(StatusCode::UNAUTHORIZED, "token is required")
            }
        }));
    }
    let is_archived = desk.store.find::<State>(&scope, |it| it.value == StateValue::Archived);
    if writes && !rest.is_empty() && is_archived.is_some() {
        let status = StatusCode::from_u16(423).unwrap_or(StatusCode::FORBIDDEN);
        return Err(Box::new(refusal(status, &format!("{} is archived", project.path))));
    }
    Ok(Place { id, path: project.path.clone(), scope })
}

fn project_route(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Answer {
    let answer = answer_of(desk, place, rest);
    if desk.request.method == Method::GET && matches!(rest, [] | ["branches", ..]) {
        desk.store.was_asked(&place.path);
    }
    answer.unwrap_or_else(not_found)
}

fn answer_of(desk: &mut Desk<'_>, place: &Place, rest: &[&str]) -> Option<Answer> {
    match rest {
        ["labels" | "milestones", ..] => label::route(desk, place, rest),
        ["issues", ..] => issue::route(desk, place, rest),
        ["pulls", ..] => pull::route(desk, place, rest),
        ["releases", ..] => release::route(desk, place, rest),
        ["branch_protections" | "tag_protections" | "hooks" | "keys" | "actions", ..] => {
            rule::route(desk, place, rest)
        }
        _ => project::route(desk, place, rest),
    }
}
