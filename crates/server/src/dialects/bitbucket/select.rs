//! Which repositories an export is about.

use super::error::BitbucketError;
use packhorse_core::{HostError, Lane, Object, ObjectKind, Scope, model::Project, port::Source};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Most selectors of a request.
const MOST_SELECTORS: usize = 10_000;

/// A project's key and a repository's slug; `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    key: String,
    slug: String,
}

impl Selector {
    /// Whether a full path is meant; capitals count in neither part.
    fn matches(&self, path: &str) -> bool {
        let (key, slug) = path.split_once('/').unwrap_or(("", path));
        let is = |wanted: &str, found: &str| wanted == "*" || wanted.eq_ignore_ascii_case(found);
        is(&self.key, key) && is(&self.slug, slug)
    }
}

/// Reads `repositoriesRequest.includes`.
pub(super) fn selectors(body: &Map<String, Value>) -> Result<Vec<Selector>, BitbucketError> {
    let fail = |message: &str| BitbucketError::invalid("repositoriesRequest", message);
    let request = body.get("repositoriesRequest").and_then(Value::as_object);
    let request = request.ok_or_else(|| fail("A repositories request must be provided."))?;
    let list = request.get("includes").and_then(Value::as_array);
    let list = list.ok_or_else(|| fail("At least one repository selector must be provided."))?;
    if list.is_empty() || list.len() > MOST_SELECTORS {
        return Err(fail("At least one repository selector must be provided."));
    }
    list.iter().map(|it| selector(it).ok_or_else(|| fail("A repository selector needs a projectKey and a slug; all repositories of all projects are {\"projectKey\": \"*\", \"slug\": \"*\"}."))).collect()
}

fn selector(value: &Value) -> Option<Selector> {
    let text = |name: &str| {
        let text = value.get(name)?.as_str()?;
        (!text.is_empty() && text.len() <= 1_024).then(|| text.to_owned())
    };
    let found = Selector { key: text("projectKey")?, slug: text("slug")? };
    // Every project, and then one name in each, is no form that there is.
    (found.key != "*" || found.slug == "*").then_some(found)
}

/// The projects that are meant, with the fork hierarchies that they are in, in order of their paths.
pub(super) async fn resolve(
    source: &dyn Source,
    selectors: &[Selector],
) -> Result<Vec<Project>, HostError> {
    let mut all: BTreeMap<String, Project> = BTreeMap::new();
    let lane = Lane::new(Scope::Shared, ObjectKind::Project);
    let mut at = None;
    loop {
        let page = source.read(&lane, at.as_ref()).await?;
        for record in page.records {
            if let Object::Project(project) = record.object {
                all.insert(record.origin.id, *project);
            }
        }
        match page.next {
            Some(next) => at = Some(next),
            None => break,
        }
    }
    let picked = all.keys().filter(|path| selectors.iter().any(|it| it.matches(path)));
    let picked = hierarchies(picked.cloned().collect(), &all);
    Ok(all.into_iter().filter(|(path, _)| picked.contains(path)).map(|it| it.1).collect())
}

/// Adds everything that what is picked was forked from, and everything that was forked from it.
fn hierarchies(picked: BTreeSet<String>, all: &BTreeMap<String, Project>) -> BTreeSet<String> {
    let mut next_to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, project) in all {
        if let Some(origin) = project.forked_from.as_deref().filter(|it| all.contains_key(*it)) {
            next_to.entry(path).or_default().push(origin);
            next_to.entry(origin).or_default().push(path);
        }
    }
    let mut found = picked.clone();
    let mut open: Vec<String> = picked.into_iter().collect();
    while let Some(path) = open.pop() {
        for other in next_to.get(path.as_str()).into_iter().flatten() {
            if found.insert((*other).to_owned()) {
                open.push((*other).to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Vec<Selector>, BitbucketError> {
        let body = json!({"repositoriesRequest": {"includes": value}});
        selectors(body.as_object().unwrap())
    }

    #[track_caller]
    fn check(key: &str, slug: &str, path: &str, expected: bool) {
        let found = read(json!([{"projectKey": key, "slug": slug}])).unwrap();
        assert_eq!(found[0].matches(path), expected, "{key}/{slug} {path}");
    }

    #[test]
    fn there_are_three_forms_of_a_selector() {
        check("PRJ", "my-repo", "PRJ/my-repo", true);
        check("PRJ", "my-repo", "prj/My-Repo", true);
        check("PRJ", "my-repo", "PRJ/my-repo2", false);
        check("PRJ", "*", "PRJ/anything", true);
        check("PRJ", "*", "OTHER/anything", false);
        check("*", "*", "OTHER/anything", true);
        check("~alice", "*", "~alice/notes", true);
    }

    #[test]
    fn other_forms_are_refused() {
        for wrong in [
            json!([]),
            json!([{}]),
            json!([{"projectKey": "PRJ"}]),
            json!([{"projectKey": "*", "slug": "x"}]),
            json!([{"projectKey": 7, "slug": "x"}]),
            json!("*"),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fork_brings_its_whole_hierarchy() {
        let project = |path: &str, origin: Option<&str>| {
            let forked_from = origin.map(str::to_owned);
            (path.to_owned(), Project { path: path.to_owned(), forked_from, ..Project::default() })
        };
        let all = BTreeMap::from([
            project("A/root", None),
            project("B/fork", Some("A/root")),
            project("C/fork", Some("B/fork")),
            project("D/gone", Some("X/gone")),
        ]);

        let found = hierarchies(BTreeSet::from(["B/fork".to_owned()]), &all);

        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["A/root", "B/fork", "C/fork"]);
    }
}
