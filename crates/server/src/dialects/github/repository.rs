//! A repository as GitHub's API shows it, from a project's record.

use packhorse_core::model::{Project, Time, Visibility};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What answers tell of a repository, as it was when the migration was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Repository {
    /// Full name, such as `octocat/Hello-World`.
    pub(super) full_name: String,
    description: Option<String>,
    private: bool,
    visibility: String,
    fork: bool,
    homepage: Option<String>,
    default_branch: String,
    has_issues: bool,
    has_wiki: bool,
    has_projects: bool,
    has_downloads: bool,
    has_pages: bool,
    created_at: Option<Time>,
    updated_at: Option<Time>,
    /// Whether its owner is an organization.
    owned_by_organization: bool,
}

impl Repository {
    pub(super) fn of(project: &Project, owned_by_organization: bool) -> Self {
        let visibility = match project.visibility {
            Visibility::Private => "private",
            Visibility::Internal => "internal",
            Visibility::Public => "public",
        };
        let features = &project.features;
        Self {
            full_name: project.path.clone(),
            description: project.description.clone(),
            private: project.visibility != Visibility::Public,
            visibility: visibility.to_owned(),
            fork: project.forked_from.is_some(),
            homepage: project.website.clone(),
            default_branch: project.default_branch.clone().unwrap_or_else(|| "main".to_owned()),
            has_issues: features.issues.unwrap_or(true),
            has_wiki: features.wiki.unwrap_or(true),
            has_projects: features.boards.unwrap_or(true),
            has_downloads: features.downloads.unwrap_or(true),
            has_pages: project.pages.is_some(),
            created_at: project.created_at,
            updated_at: project.updated_at,
            owned_by_organization,
        }
    }

    /// Owner and name.
    fn parts(&self) -> (&str, &str) {
        self.full_name.rsplit_once('/').unwrap_or(("", &self.full_name))
    }

    /// Name without its owner.
    pub(super) fn name(&self) -> &str {
        self.parts().1
    }

    /// The repository in full; `api` and `web` are addresses without a slash at the end.
    pub(super) fn render(&self, api: &str, web: &str) -> Value {
        let (owner, name) = self.parts();
        let url = format!("{api}/repos/{}", self.full_name);
        let page = format!("{web}/{}", self.full_name);
        let id = number(&format!("repository {}", self.full_name));
        let owner = account(owner, self.owned_by_organization, (api, web));
        let mut map = self.settings();
        map.extend([
            ("id".to_owned(), json!(id)),
            ("node_id".to_owned(), json!(node("R", id))),
            ("name".to_owned(), json!(name)),
            ("full_name".to_owned(), json!(self.full_name)),
            ("owner".to_owned(), owner),
            ("html_url".to_owned(), json!(page)),
            ("url".to_owned(), json!(url)),
            ("clone_url".to_owned(), json!(format!("{page}.git"))),
            ("svn_url".to_owned(), json!(page)),
            ("git_url".to_owned(), json!(format!("git:{}.git", rest(&page)))),
            ("ssh_url".to_owned(), json!(format!("git@{}:{}.git", host(web), self.full_name))),
        ]);
        map.extend(
            LINKS.iter().map(|(key, end)| ((*key).to_owned(), json!(format!("{url}{end}")))),
        );
        Value::Object(map)
    }

    /// What it is set to, and counts that nobody keeps here.
    fn settings(&self) -> Map<String, Value> {
        let time = |it: Option<Time>| it.map(|it| it.to_utc().to_string());
        let value = json!({
            "description": self.description,
            "private": self.private,
            "visibility": self.visibility,
            "fork": self.fork,
            "homepage": self.homepage,
            "default_branch": self.default_branch,
            "has_issues": self.has_issues,
            "has_wiki": self.has_wiki,
            "has_projects": self.has_projects,
            "has_downloads": self.has_downloads,
            "has_pages": self.has_pages,
            "created_at": time(self.created_at),
            "updated_at": time(self.updated_at),
            "pushed_at": time(self.updated_at),
            "archived": false,
            "disabled": false,
            "is_template": false,
            "topics": [],
            "language": null,
            "license": null,
            "mirror_url": null,
            "size": 0,
            "forks": 0,
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers": 0,
            "watchers_count": 0,
            "open_issues": 0,
            "open_issues_count": 0,
            "permissions": {"admin": true, "push": true, "pull": true},
        });
        if let Value::Object(map) = value { map } else { Map::new() }
    }
}

/// Addresses below that of a repository.
const LINKS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// An account as answers show it.
pub(super) fn account(login: &str, is_organization: bool, (api, web): (&str, &str)) -> Value {
    let id = number(&format!("account {login}"));
    let url = format!("{api}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node(if is_organization { "O" } else { "U" }, id),
        "avatar_url": format!("{web}/{login}.png"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{web}/{login}"),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": if is_organization { "Organization" } else { "User" },
        "site_admin": false,
    })
}

/// A number for something that has a name alone: the same for the same name, and small enough for
/// programs that keep numbers as floating point.
fn number(name: &str) -> u64 {
    let digest = digest(&SHA256, name.as_bytes());
    digest.as_ref()[..6].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A global id of the newer kind.
pub(super) fn node(kind: &str, id: u64) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("{kind}_{}", URL_SAFE_NO_PAD.encode(id.to_be_bytes()))
}

/// An address without its scheme's name.
fn rest(url: &str) -> &str {
    url.split_once(':').map_or(url, |it| it.1)
}

/// Name of the host of an address.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |it| it.1);
    let authority = authority.split('/').next().unwrap_or(authority);
    authority.rsplit_once(':').map_or(authority, |it| it.0)
}
