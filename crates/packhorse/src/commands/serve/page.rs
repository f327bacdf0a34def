//! Pages where people find what is at a host.
//!
//! Source: the pages of each product.

use crate::registry;
use packhorse_core::{Location, ObjectKind};
use url::Url;

/// What pages of one product are called, below a project's own.
struct Names {
    issue: &'static str,
    change_request: &'static str,
    release: &'static str,
    milestone: Option<&'static str>,
}

const fn names(host: &str) -> Option<Names> {
    let (issue, change_request, release, milestone) = match host.as_bytes() {
        b"github" => ("issues", "pull", "releases/tag", Some("milestone")),
        b"gitlab" => ("-/issues", "-/merge_requests", "-/releases", Some("-/milestones")),
        b"gitea" => ("issues", "pulls", "releases/tag", Some("milestone")),
        b"bitbucket-cloud" => ("issues", "pull-requests", "downloads", None),
        b"bitbucket-server" => ("", "pull-requests", "", None),
        _ => return None,
    };
    Some(Names { issue, change_request, release, milestone })
}

/// The page of a record, or of its project where the record has none of its own.
pub(super) fn of(place: &Location, project: &str, kind: ObjectKind, id: &str) -> Option<String> {
    let host = registry::named(place).ok()?.id;
    let names = names(host)?;
    let root = root(place, project)?;
    let page = if host == "bitbucket-server" {
        let (key, slug) = project.split_once('/')?;
        format!("{root}/projects/{key}/repos/{slug}")
    } else {
        format!("{root}/{project}")
    };
    let pages = [
        (ObjectKind::Issue, Some(names.issue)),
        (ObjectKind::ChangeRequest, Some(names.change_request)),
        (ObjectKind::Release, Some(names.release)),
        (ObjectKind::Milestone, names.milestone),
    ];
    let below = pages.into_iter().find(|it| it.0 == kind).and_then(|it| it.1);
    let is_plain =
        |id: &str| id.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
    Some(match below {
        Some(below) if !below.is_empty() && is_plain(id) => format!("{page}/{below}/{id}"),
        Some(_) | None => page,
    })
}

/// The address that the project's path stands behind.
///
/// SECURITY: only an address of the web becomes a link that somebody may follow.
fn root(place: &Location, project: &str) -> Option<String> {
    let mut url = place.rest.parse::<Url>().ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_matches('/').to_owned();
    // The location may name the owner, the project itself, or nothing of both.
    let (before, named) = match path.split_once("/-/") {
        Some((before, named)) => (before.to_owned(), named.to_owned()),
        None => (String::new(), path),
    };
    let is_above = named.is_empty()
        || project.eq_ignore_ascii_case(&named)
        || project.to_ascii_lowercase().starts_with(&format!("{}/", named.to_ascii_lowercase()));
    let below = if is_above { before } else { named };
    url.set_path(&below);
    Some(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(place: &str, project: &str, kind: ObjectKind, expected: Option<&str>) {
        let found = of(&place.parse().unwrap(), project, kind, "7");
        assert_eq!(found.as_deref(), expected, "{place}");
    }

    #[test]
    fn a_record_has_the_page_that_its_product_gives_it() {
        use ObjectKind::{ChangeRequest, Issue, Label};
        let app = "acme/app";
        check(
            "github:https://github.com/acme",
            app,
            Issue,
            Some("https://github.com/acme/app/issues/7"),
        );
        check(
            "gitlab:https://h.example/git/-/acme",
            app,
            ChangeRequest,
            Some("https://h.example/git/acme/app/-/merge_requests/7"),
        );
        check("gitea:https://h.example", app, Label, Some("https://h.example/acme/app"));
        check(
            "gitea:https://h.example/sub",
            app,
            Issue,
            Some("https://h.example/sub/acme/app/issues/7"),
        );
        check(
            "bitbucket-server:https://h.example",
            "ACME/app",
            ChangeRequest,
            Some("https://h.example/projects/ACME/repos/app/pull-requests/7"),
        );
        check("local:/srv/store", app, Issue, None);
    }

    #[test]
    fn what_is_no_plain_id_leads_to_the_project() {
        let place = "github:https://github.com/acme".parse().unwrap();
        let found = of(&place, "acme/app", ObjectKind::Release, "\"><script>");
        assert_eq!(found.as_deref(), Some("https://github.com/acme/app"));
    }
}
