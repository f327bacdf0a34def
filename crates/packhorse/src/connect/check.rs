//! `connect check`: whether the platform will get on with its external repository.

use super::{
    api::Api,
    entry::{self, Entry, PATTERN},
    file::{Lines, behind},
    host, round_trip,
};
use crate::{
    cli::{Check, Globals},
    config, document,
    error::{AppError, Status},
    projects::host::{ApiType, Host, home},
    terminal,
};
use packhorse_core::{HostError, HostErrorKind, Secret, error::chain};
use packhorse_net::Unanswered;
use serde::Serialize;
use std::error::Error;

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// It is as it must be.
    Good,
    /// It cannot be told from here.
    Unknown,
    /// It is not as it must be.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) level: Level,
    pub(super) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, level: Level::Good, detail: detail.into(), remedy: None }
    }

    pub(super) fn bad(what: &'static str, detail: impl Into<String>, remedy: &str) -> Self {
        let (level, remedy) = (Level::Bad, Some(remedy.to_owned()));
        Self { what, level, detail: detail.into(), remedy }
    }

    pub(super) fn unknown(what: &'static str, detail: impl Into<String>, remedy: &str) -> Self {
        Self { level: Level::Unknown, ..Self::bad(what, detail, remedy) }
    }

    pub(super) fn failed(
        what: &'static str,
        detail: &str,
        error: &(dyn Error + 'static),
        remedy: &str,
    ) -> Self {
        Self::bad(what, format!("{detail}: {}", chain(error)), remedy)
    }
}

/// What was found of a configuration.
#[derive(Serialize)]
struct Checked<'a> {
    file: String,
    findings: &'a [Finding],
}

/// Looks at the file, then at the host.
pub(super) async fn run(globals: &Globals, arguments: &Check) -> Result<Status, AppError> {
    let (lines, values) = Lines::read(&arguments.file)?;
    let Some(entry) = Entry::read(&lines, &values) else {
        return Err(AppError::usage(format!(
            "`{}` has no section that names a Git host",
            arguments.file.display()
        ))
        .hint("look for `storage:`, in it `git:`, in it a section with `type:`"));
    };
    let (mut findings, host) = written(&lines, &entry);
    if !entry.name.is_empty() {
        findings.insert(0, Finding::good("section", format!("is of `{}`", entry.name)));
    }
    if let Some(host) = host {
        findings.extend(asked(globals, arguments, &host, &entry).await?);
    }
    let is_good = findings.iter().all(|it| it.level != Level::Bad);
    tell(globals, arguments, &findings)?;
    Ok(if is_good { Status::Done } else { Status::Failed })
}

/// What can be told from the file alone; and the host, if it can be asked.
fn written(lines: &Lines, entry: &Entry) -> (Vec<Finding>, Option<Host>) {
    let mut findings = Vec::new();
    findings.push(pattern(lines, entry));
    for (key, value) in [("organization", &entry.organization), ("username", &entry.username)] {
        if value.is_empty() {
            findings.push(Finding::bad(
                "section",
                format!("`{key}` is empty, or no text"),
                "fill it in; what YAML takes for something else, such as NO, stands in quotes",
            ));
        }
    }
    let Some(api) = entry::type_named(&entry.kind) else {
        let words: Vec<_> = ApiType::ALL.iter().map(|it| it.name()).collect();
        findings.push(Finding::bad(
            "type",
            format!("`{}` is none", entry.kind),
            &format!("write one of github, gitlab, bitbucket, or {}", words.join(", ")),
        ));
        return (findings, None);
    };
    if matches!(api, ApiType::BitbucketCloud) && entry.organization.contains('-') {
        findings.push(Finding::bad(
            "organization",
            format!("`{}` has a dash in it", entry.organization),
            "the platform does not take dashes in names of Bitbucket teams: make one without",
        ));
    }
    let home = match home(api, &entry.url) {
        Ok(home) => home,
        Err(why) => {
            findings.push(Finding::bad("url", why, "write the address of the API, with https://"));
            return (findings, None);
        }
    };
    if home.scheme() != "https" && api != ApiType::Internal {
        findings.push(Finding::bad(
            "url",
            format!("`{}` is not encrypted", entry.url),
            "the platform reaches external repositories over https alone: give the host a \
             certificate, and write https://",
        ));
        return (findings, None);
    }
    findings.push(Finding::good("url", "is encrypted"));
    findings.extend(credential_host(entry, home.host_str().unwrap_or_default()));
    let Some(token) =
        entry.token.clone().or_else(|| (api == ApiType::Internal).then(|| Secret::new("")))
    else {
        findings.push(Finding::bad("token", "`auth-token` is empty", "put the token there"));
        return (findings, None);
    };
    let username = Some(entry.username.clone()).filter(|it| !it.is_empty());
    let organization = entry.organization.clone();
    if organization.is_empty() {
        return (findings, None);
    }
    match Host::at(api, &home, organization, username, &token) {
        Ok(host) => (findings, Some(host)),
        Err(error) => {
            findings.push(Finding::bad("type", error.to_string(), "see `packhorse hosts`"));
            (findings, None)
        }
    }
}

/// The name of repositories, and how it is quoted.
fn pattern(lines: &Lines, entry: &Entry) -> Finding {
    let remedy = "write repository: '{owner}-{id}'";
    if entry.repository != PATTERN {
        return Finding::bad("repository", format!("is `{}`", entry.repository), remedy);
    }
    let key = entry::place(lines);
    let line = key.and_then(|it| {
        lines.keys(it.block).into_iter().find(|it| it.name == "repository").map(|it| it.line)
    });
    match line.map(|at| behind(&lines.lines[at]).0.starts_with('\'')) {
        Some(true) => Finding::good("repository", format!("'{PATTERN}'")),
        Some(false) | None => Finding::bad("repository", "is not in single quotes", remedy),
    }
}

/// Whether people's credentials are for the host whose API it is.
fn credential_host(entry: &Entry, host: &str) -> Option<Finding> {
    let told = &entry.credential_host;
    let remedy = "write the domain name of the host into `credential-hostname`";
    if told.is_empty() {
        return Some(Finding::unknown("credentials", "`credential-hostname` is empty", remedy));
    }
    let bare = told.split("://").last().unwrap_or(told);
    let bare = bare.split(['/', ':']).next().unwrap_or(bare);
    let same = bare.trim_start_matches("api.") == host;
    Some(match same {
        true => Finding::good("credentials", format!("are for {bare}")),
        false => {
            Finding::bad("credentials", format!("are for `{bare}`, and not for `{host}`"), remedy)
        }
    })
}

/// What the host answers.
async fn asked(
    globals: &Globals,
    arguments: &Check,
    host: &Host,
    entry: &Entry,
) -> Result<Vec<Finding>, AppError> {
    let api = Api::of(host)?;
    let version = match host::version(&api).await {
        Ok(found) => found,
        Err(error) => return Ok(vec![unreachable(&error)]),
    };
    let mut findings = Vec::new();
    if host.home.scheme() == "https" {
        findings.push(Finding::good("certificate", "is trusted, and for this name"));
    }
    let is_there = version.level != Level::Bad;
    findings.push(version);
    if !is_there {
        return Ok(findings);
    }
    let (name, username) = (host.organization.as_str(), entry.username.as_str());
    let failed = |error: HostError| {
        vec![Finding::failed("host", "a question was not answered", &error, "run again")]
    };
    findings.extend(host::token(&api, username).await.unwrap_or_else(failed));
    findings.extend(host::organization(&api, name).await.unwrap_or_else(failed));
    findings.extend(host::rights(&api, name, username).await.map_or_else(failed, |it| vec![it]));
    let is_ready = findings
        .iter()
        .all(|it| it.what != "token" && it.what != "organization" || it.level != Level::Bad);
    if is_ready && !arguments.no_probe {
        let scratch = config::scratch(globals)?;
        findings.extend(round_trip::run(host, scratch.path()).await?);
    }
    Ok(findings)
}

/// Why a host cannot be reached, and what to do.
fn unreachable(error: &HostError) -> Finding {
    if let Some(Unanswered::Trust(why)) = Unanswered::of(error) {
        return Finding::bad(
            "certificate",
            why.clone(),
            "let the host show a certificate that is valid today, for the name in `url`, of an \
             authority that this machine knows; SSL_CERT_FILE names one of your own",
        );
    }
    let remedy = match error.kind {
        HostErrorKind::Unavailable => {
            "is `url` right, and can this machine reach it? A proxy is read from HTTPS_PROXY"
        }
        HostErrorKind::Unauthorized
        | HostErrorKind::Forbidden
        | HostErrorKind::NotFound
        | HostErrorKind::Conflict
        | HostErrorKind::Rejected
        | HostErrorKind::RateLimited
        | HostErrorKind::Protocol
        | HostErrorKind::Unsupported => "look at `type` and `url`",
    };
    Finding::failed("url", "the API cannot be asked", error, remedy)
}

fn tell(globals: &Globals, arguments: &Check, findings: &[Finding]) -> Result<(), AppError> {
    let file = arguments.file.display().to_string();
    if globals.json {
        terminal::data(&document::json(&Checked { file, findings })?);
        return Ok(());
    }
    let mut text = format!("{file}\n");
    for it in findings {
        let sign = match it.level {
            Level::Good => "ok ",
            Level::Unknown => " ? ",
            Level::Bad => "NO ",
        };
        text += &format!("  {sign} {:<14} {}\n", it.what, it.detail);
        if let Some(remedy) = &it.remedy {
            text += &format!("      {:<14} {remedy}\n", "");
        }
    }
    terminal::data(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::file::values, *};

    fn findings(section: &str) -> Vec<Finding> {
        let text = format!("storage:\n  git:\n    default:\n{section}");
        let lines = Lines::of(&text);
        let entry = Entry::read(&lines, &values(&text).unwrap()).unwrap();
        written(&lines, &entry).0
    }

    const GOOD: &str = "      name: a\n      type: gitlab\n      url: https://git.example/api/v4\n      \
                        credential-hostname: git.example\n      repository: '{owner}-{id}'\n      \
                        organization: acme\n      username: root\n      auth-token: t\n";

    #[track_caller]
    fn check(old: &str, new: &str, what: &str) {
        let found = findings(&GOOD.replace(old, new));

        let bad: Vec<_> = found.iter().filter(|it| it.level == Level::Bad).collect();
        assert!(bad.iter().any(|it| it.what == what && it.remedy.is_some()), "{new}: {found:?}");
    }

    #[test]
    fn a_section_that_is_right_has_no_findings() {
        assert!(findings(GOOD).iter().all(|it| it.level == Level::Good));
    }

    #[test]
    fn what_is_wrong_in_the_file_is_told_with_a_remedy() {
        check("'{owner}-{id}'", "'{id}'", "repository");
        check("'{owner}-{id}'", "\"{owner}-{id}\"", "repository");
        check("https://git", "http://git", "url");
        check("https://git.example/api/v4", "git.example", "url");
        check("type: gitlab", "type: svn", "type");
        check("organization: acme", "organization: ''", "section");
        check("auth-token: t", "auth-token: ''", "token");
        check("credential-hostname: git.example", "credential-hostname: h", "credentials");
    }

    #[test]
    fn bitbuckets_teams_have_no_dashes() {
        let cloud = GOOD
            .replace("type: gitlab", "type: bitbucket")
            .replace("organization: acme", "organization: a-b");

        let found = findings(&cloud);

        assert!(found.iter().any(|it| it.detail.contains("has a dash")), "{found:?}");
    }
}
