//! What each product answers to the questions of a check.
//!
//! # Sources
//!
//! GitHub, "REST API: organizations, members, meta" and "Token expiration" (the header
//! `github-authentication-token-expiration`); GitLab, "Version", "Groups", "Members" and "Personal
//! access tokens API"; Atlassian, "REST API 1.0: projects, permissions" and "Bitbucket Cloud:
//! workspaces, permissions"; Gitea, `/api/v1/swagger`.

use super::{api::Api, check::Finding};
use crate::projects::host::ApiType;
use packhorse_core::{HostError, model::Time};
use serde_json::Value;
use std::time::SystemTime;

/// How long before its end a token is said to expire, in days.
const SOON: i64 = 30;

/// Least right of a group's member that lets write.
///
/// Source: GitLab, "Access levels": 30 is Developer, 50 is Owner.
const DEVELOPER: u64 = 30;
const OWNER: u64 = 50;

/// Members of a group on a page: the most that GitLab lists at a time.
const MEMBERS: usize = 100;
/// Most pages of them that are looked at.
const MAX_PAGES: usize = 1_000;

/// Asks what the host is, and whether it is of the stated type.
pub(super) async fn version(api: &Api) -> Result<Finding, HostError> {
    let (path, key): (&[&str], &str) = match api.api {
        ApiType::Internal => (&["version"], "version"),
        ApiType::BitbucketServer => (&["application-properties"], "version"),
        // The cloud has no version; it tells who asks.
        ApiType::BitbucketCloud => (&["user"], "type"),
        ApiType::Github => (&["meta"], "installed_version"),
        ApiType::Gitlab => (&["version"], "version"),
    };
    let answer = api.ask(path, &[], "ask the host what it is").await?;
    let is_refused = answer.status == http::StatusCode::UNAUTHORIZED;
    if is_refused {
        return Ok(Finding::bad(
            "token",
            "the host does not take it",
            "make a new token of the administrator's account and put it into `auth-token`",
        ));
    }
    if !answer.status.is_success() {
        return Ok(Finding::bad(
            "type",
            format!("what answers is no {}: {}", api.api.name(), answer.status),
            "look at `type` and at `url`, which is the address of the API",
        ));
    }
    let Ok(told) = answer.json::<Value>(1 << 20).await else {
        return Ok(Finding::bad(
            "type",
            format!("what answers is no {}", api.api.name()),
            "look at `type` and at `url`, which is the address of the API",
        ));
    };
    let version = told.get(key).and_then(Value::as_str).unwrap_or("of the public service");
    Ok(Finding::good("type", format!("{}, {version}", api.api.name())))
}

/// Whose token it is, and until when.
pub(super) async fn token(api: &Api, username: &str) -> Result<Vec<Finding>, HostError> {
    let operation = "ask whose token it is";
    let (login, ends) = match api.api {
        ApiType::BitbucketServer => {
            let answer = api.ask(&["users", username], &[], operation).await?;
            if answer.status == http::StatusCode::UNAUTHORIZED {
                return Ok(vec![refused()]);
            }
            let found: Option<Value> = answer.json(1 << 20).await.ok();
            (found.and_then(|it| Some(it.get("name")?.as_str()?.to_owned())), None)
        }
        ApiType::Internal | ApiType::BitbucketCloud | ApiType::Github | ApiType::Gitlab => {
            let answer = api.ask(&["user"], &[], operation).await?;
            if !answer.status.is_success() {
                return Ok(vec![refused()]);
            }
            let ends = answer.header("github-authentication-token-expiration").map(str::to_owned);
            let found: Value = answer.json(1 << 20).await?;
            let login = ["login", "username", "nickname"].iter().find_map(|it| found.get(it));
            (login.and_then(Value::as_str).map(str::to_owned), ends)
        }
    };
    let ends = match api.api {
        ApiType::Gitlab => {
            let own = ["personal_access_tokens", "self"];
            let found = api.value(&own, &[], operation).await?;
            found.and_then(|it| Some(it.get("expires_at")?.as_str()?.to_owned()))
        }
        ApiType::Internal
        | ApiType::BitbucketServer
        | ApiType::BitbucketCloud
        | ApiType::Github => ends,
    };
    let mut findings = vec![match login {
        Some(login) if login.eq_ignore_ascii_case(username) => {
            Finding::good("token", format!("works, and is {login}'s"))
        }
        Some(login) => Finding::bad(
            "token",
            format!("is {login}'s, and `username` says `{username}`"),
            "put the name of the token's account into `username`",
        ),
        None => Finding::good("token", "works"),
    }];
    findings.extend(ends.map(|it| expiry(&it, today())));
    Ok(findings)
}

fn refused() -> Finding {
    Finding::bad(
        "token",
        "the host does not take it",
        "make a new token of the administrator's account and put it into `auth-token`",
    )
}

/// Days since 1970.
fn today() -> i64 {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(seconds.map_or(0, |it| it.as_secs()) / 86_400).unwrap_or_default()
}

/// Whether a token ends soon: `ends` is a date with or without a time.
fn expiry(ends: &str, today: i64) -> Finding {
    let date = ends.get(..10).unwrap_or_default();
    let day = format!("{date}T00:00:00Z").parse::<Time>();
    let Ok(day) = day.map(|it| it.instant().as_second() / 86_400) else {
        return Finding::unknown("token's end", "cannot be read", "look there");
    };
    let remedy =
        "make one that does not expire, or note the day: without it nobody opens a project";
    match day - today {
        left if left < 0 => Finding::bad("token's end", format!("was on {date}"), remedy),
        left if left < SOON => {
            Finding::bad("token's end", format!("is on {date}, in {left} days"), remedy)
        }
        left => Finding::good("token's end", format!("is on {date}, in {left} days")),
    }
}

/// Whether the organization is there, and what its members may do by themselves.
pub(super) async fn organization(api: &Api, name: &str) -> Result<Vec<Finding>, HostError> {
    let path: Vec<&str> = match api.api {
        ApiType::Internal | ApiType::Github => vec!["orgs", name],
        ApiType::BitbucketServer => vec!["projects", name],
        ApiType::BitbucketCloud => vec!["workspaces", name],
        ApiType::Gitlab => vec!["groups", name],
    };
    let Some(found) = api.value(&path, &[], "look for the organization").await? else {
        return Ok(vec![Finding::bad(
            "organization",
            format!("`{name}` is not there, or the account does not see it"),
            "make it at the host, or correct `organization`",
        )]);
    };
    let mut findings = vec![Finding::good("organization", format!("`{name}` is there"))];
    if api.api == ApiType::Github {
        let right = found.get("default_repository_permission").and_then(Value::as_str);
        findings.push(match right {
            Some("write" | "admin") => Finding::good("members", "may write by themselves"),
            Some(other) => Finding::bad(
                "members",
                format!("have the right `{other}` by themselves"),
                "give members of the organization write access: Settings, Member privileges, \
                 Base permissions",
            ),
            None => members_unknown(),
        });
    } else if api.api == ApiType::Gitlab {
        findings.push(members_of_group(api, name).await?);
    } else {
        findings.push(members_unknown());
    }
    Ok(findings)
}

fn members_unknown() -> Finding {
    Finding::unknown(
        "members",
        "the host does not say what they may do by themselves",
        "grant the members of the organization write access in its settings",
    )
}

async fn members_of_group(api: &Api, name: &str) -> Result<Finding, HostError> {
    let level = |it: &Value| it.get("access_level").and_then(Value::as_u64).unwrap_or(0);
    let (mut n_members, mut n_less, mut such_as) = (0, 0, None);
    for page in 1..=MAX_PAGES {
        let Some(some) = page_of_group(api, name, page).await? else {
            return Ok(members_unknown());
        };
        n_members += some.len();
        let mut less = some.iter().filter(|it| level(it) < DEVELOPER).peekable();
        such_as = such_as.or_else(|| Some(less.peek()?.get("username")?.as_str()?.to_owned()));
        n_less += less.count();
        // GitLab leaves out of a page whom it does not show, so that only an empty one is the last.
        if some.is_empty() {
            return Ok(match n_less {
                0 => Finding::good("members", "may write by themselves"),
                n => {
                    let such_as = such_as.map(|it| format!(", such as {it}")).unwrap_or_default();
                    Finding::bad(
                        "members",
                        format!("{n} of them may not write{such_as}"),
                        "make them Developers of the group",
                    )
                }
            });
        }
    }
    Ok(Finding::unknown(
        "members",
        format!("{n_less} of the first {n_members} may not write; the others were not looked at"),
        "see that all of them are Developers of the group",
    ))
}

/// One page of a group's members; `None` where the account may not see them.
async fn page_of_group(
    api: &Api,
    name: &str,
    page: usize,
) -> Result<Option<Vec<Value>>, HostError> {
    let path = ["groups", name, "members", "all"];
    let (page, at_a_time) = (page.to_string(), MEMBERS.to_string());
    let query = [("per_page", at_a_time.as_str()), ("page", page.as_str())];
    let found = api.value(&path, &query, "look who is in the group").await?;
    Ok(found.and_then(|it| if let Value::Array(some) = it { Some(some) } else { None }))
}

/// Whether the account has all rights in the organization.
pub(super) async fn rights(api: &Api, name: &str, username: &str) -> Result<Finding, HostError> {
    let operation = "look what the account may do";
    let is_admin = match api.api {
        ApiType::Github => {
            let path = ["user", "memberships", "orgs", name];
            let found = match api.value(&path, &[], operation).await? {
                Some(found) => Some(found),
                None => api.value(&["orgs", name, "memberships", username], &[], operation).await?,
            };
            found.map(|it| it.get("role").and_then(Value::as_str) == Some("admin"))
        }
        ApiType::Gitlab => {
            let path = ["groups", name, "members", "all"];
            let query = [("query", username)];
            let found = api.value(&path, &query, operation).await?;
            let own = found.as_ref().and_then(Value::as_array).and_then(|all| {
                all.iter().find(|it| it.get("username").and_then(Value::as_str) == Some(username))
            });
            let level = own.and_then(|it| it.get("access_level")?.as_u64());
            match level {
                Some(level) => Some(level >= OWNER),
                None => is_site_admin(api, operation).await?,
            }
        }
        // Only who administers a project is shown who may do what there.
        ApiType::BitbucketServer => {
            let path = ["projects", name, "permissions", "users"];
            Some(api.ask(&path, &[], operation).await?.status.is_success())
        }
        ApiType::BitbucketCloud => {
            let filter = format!("workspace.slug=\"{name}\"");
            let path = ["user", "permissions", "workspaces"];
            let found = api.value(&path, &[("q", &filter)], operation).await?;
            let all = found.as_ref().and_then(|it| it.get("values")?.as_array());
            let right = all.and_then(|it| it.first()?.get("permission")?.as_str());
            right.map(|it| it == "owner")
        }
        ApiType::Internal => is_site_admin(api, operation).await?,
    };
    Ok(match is_admin {
        Some(true) => Finding::good("rights", format!("{username} administers `{name}`")),
        Some(false) => Finding::bad(
            "rights",
            format!("{username} does not administer `{name}`"),
            "give the account full administrator's rights in the organization",
        ),
        None => Finding::unknown(
            "rights",
            "the host does not say what the account may do",
            "look whether it has full administrator's rights; the probe below says whether it may \
             make and remove repositories",
        ),
    })
}

async fn is_site_admin(api: &Api, operation: &'static str) -> Result<Option<bool>, HostError> {
    let found = api.value(&["user"], &[], operation).await?;
    let told = found.and_then(|it| it.get("is_admin")?.as_bool());
    // Who is no administrator of the site may be one of the organization.
    Ok(told.filter(|it| *it))
}

#[cfg(test)]
mod tests {
    use super::{super::check::Level, *};

    #[track_caller]
    fn check(ends: &str, level: Level) {
        // 2026-01-31
        assert_eq!(expiry(ends, 20_484).level, level, "{ends}");
    }

    #[test]
    fn a_token_that_ends_soon_is_told() {
        check("2026-01-30", Level::Bad);
        check("2026-02-20 10:00:00 UTC", Level::Bad);
        check("2026-06-01T10:00:00Z", Level::Good);
        check("never", Level::Unknown);
    }
}
