//! Kinds that the server lists by themselves.

use super::{GitlabSource, below, records};
use crate::{
    cursor::{in_part, page, part},
    gitlab::{
        api::{Listing, Query},
        map::{self, change_request, issue, settings},
        wire,
    },
    walk::AT_ONCE,
};
use futures::{StreamExt, TryStreamExt, stream};
use packhorse_core::{
    Cursor, HostError, Object, Record,
    model::{Place, SnippetFile, Subject, Topic},
    port::Page,
};
use serde::de::DeserializeOwned;

/// Parts of states.
const STATES: [&str; 3] = ["project", "issues", "merge_requests"];

/// Topics on a page; the server gives them all at once.
const TOPICS: usize = 1_000;

/// A page of records that need nothing else.
pub(super) fn plain<T>(listing: Listing<T>, map: impl Fn(T) -> Option<(String, Object)>) -> Page {
    let next = listing.next.map(|it| Cursor(it.to_string()));
    Page { records: records(listing.items, map), next }
}

impl GitlabSource {
    /// One page of a listing below a project.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        (path, rest): (&str, &[&str]),
        query: Query<'_>,
        at: Option<&Cursor>,
        operation: &'static str,
    ) -> Result<Listing<T>, HostError> {
        self.api.list(&below(path, rest), query, page(at)?, operation).await
    }

    pub(super) async fn topics(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let topics = map::project::topics(self.project(path).await?);
        let number = page(at)?;
        let skip = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let skip = skip.saturating_mul(TOPICS);
        let next = (topics.len() > skip.saturating_add(TOPICS))
            .then(|| Cursor(number.saturating_add(1).to_string()));
        let topic = |name: String| Some((name.clone(), Object::from(Topic { name })));
        let topics = topics.into_iter().skip(skip).take(TOPICS).collect();
        Ok(Page { records: records(topics, topic), next })
    }

    /// Labels of the project, and those of the groups above it.
    pub(super) async fn labels(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let query = [("include_ancestor_groups", "true")];
        let listing = self.page((path, &["labels"]), &query, at, "read labels").await?;
        Ok(plain(listing, |it| {
            let label = map::project::label(it)?;
            Some((label.name.clone(), Object::from(label)))
        }))
    }

    /// Milestones of the project, and those of the groups above it.
    pub(super) async fn milestones(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        // The second is what versions before 16.7 call it.
        let query = [
            ("state", "all"),
            ("include_ancestors", "true"),
            ("include_parent_milestones", "true"),
        ];
        let listing = self.page((path, &["milestones"]), &query, at, "read milestones").await?;
        Ok(plain(listing, |it| {
            let milestone = map::project::milestone(it)?;
            Some((milestone.number.to_string(), Object::from(milestone)))
        }))
    }

    pub(super) async fn issues(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let at = at.map(|it| it.0.as_str());
        let (items, next) = self.numbered(path, at, "read issues").await?;
        let issue = |it| {
            let issue = issue::issue(it, self.host())?;
            Some((issue.number.to_string(), Object::from(issue)))
        };
        Ok(Page { records: records(items, issue), next: next.map(Cursor) })
    }

    /// Change requests; the listing leaves out their commits, which each tells by itself.
    pub(super) async fn change_requests(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read change requests";
        let at = at.map(|it| it.0.as_str());
        let (items, next) = self.numbered::<wire::MergeRequest>(path, at, operation).await?;
        let asked = items.into_iter().map(async |it: wire::MergeRequest| {
            let Some(number) = it.iid.map(|it| it.to_string()) else { return Ok(None) };
            let whole: Option<wire::MergeRequest> = match it.diff_refs {
                Some(_) => None,
                None => {
                    let rest = ["merge_requests", number.as_str()];
                    self.api.find(&below(path, &rest), &[], operation).await?
                }
            };
            let it = whole.unwrap_or(it);
            let head = match (it.source_project_id, it.target_project_id) {
                (Some(source), Some(target)) if source != target => self.path_of(source).await?,
                (Some(_), _) => Some(path.to_owned()),
                (None, _) => None,
            };
            let mapped = change_request::change_request(it, (path, head), self.host());
            Ok::<_, HostError>(mapped.map(|it| (it.number.to_string(), Object::from(it))))
        });
        let found: Vec<_> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        Ok(Page { records: records(found, |it| it), next: next.map(Cursor) })
    }

    pub(super) async fn releases(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("order_by", "created_at"), ("sort", "asc")];
        let listing = self.page((path, &["releases"]), &query, at, "read releases").await?;
        Ok(plain(listing, |it| {
            let release = settings::release(&it, self.host())?;
            Some((release.tag.clone(), Object::from(release)))
        }))
    }

    pub(super) async fn release_assets(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let query = [("order_by", "created_at"), ("sort", "asc")];
        let operation = "read files of releases";
        let listing: Listing<wire::Release> =
            self.page((path, &["releases"]), &query, at, operation).await?;
        let kept = |url: &str| self.is_kept(path, url);
        let assets = listing.items.into_iter().flat_map(|it| settings::assets(it, kept));
        let record = |(id, it)| Record::new(id, Object::from(it));
        let next = listing.next.map(|it| Cursor(it.to_string()));
        Ok(Page { records: assets.map(record).collect(), next })
    }

    pub(super) async fn boards(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing = self.page((path, &["boards"]), &[], at, "read boards").await?;
        Ok(plain(listing, |it| settings::board(it).map(|(id, it)| (id, Object::from(it)))))
    }

    /// People with a role of their own, then groups that the project is shared with.
    pub(super) async fn members(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let listing: Listing<wire::Member> =
            self.page((path, &["members"]), &[], at, "read members").await?;
        let mut page = plain(listing, |it| {
            let (id, member) = map::project::member(&it, &Place::Project, self.host())?;
            Some((id, Object::from(member)))
        });
        if page.next.is_none() {
            let groups = self.project(path).await?.shared_with_groups.unwrap_or_default();
            page.records.extend(records(groups, |it| {
                let (id, member) = map::project::shared_with(&it, &Place::Project)?;
                Some((id, Object::from(member)))
            }));
        }
        Ok(page)
    }

    pub(super) async fn snippets(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read snippets";
        let listing: Listing<wire::Snippet> =
            self.page((path, &["snippets"]), &[], at, operation).await?;
        let next = listing.next.map(|it| Cursor(it.to_string()));
        let asked = listing.items.into_iter().map(async |it: wire::Snippet| {
            let files = self.snippet_files(path, &it).await?;
            let mapped = issue::snippet(it, files, self.host());
            Ok::<_, HostError>(mapped.map(|(id, it)| (id.to_string(), Object::from(it))))
        });
        let found: Vec<_> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        Ok(Page { records: records(found, |it| it), next })
    }

    /// What stands in a snippet's files.
    async fn snippet_files(
        &self,
        path: &str,
        it: &wire::Snippet,
    ) -> Result<Vec<SnippetFile>, HostError> {
        let Some(id) = it.id.map(|it| it.to_string()) else { return Ok(Vec::new()) };
        let operation = "read a snippet";
        let mut files = Vec::new();
        for file in it.files.iter().flatten() {
            let Some(name) = file.path.as_deref().filter(|it| !it.is_empty()) else { continue };
            let branch = branch_in(file.raw_url.as_deref(), name);
            let rest = ["snippets", &id, "files", branch.unwrap_or("main"), name, "raw"];
            let content = self.api.text(&below(path, &rest), operation).await?;
            files.push(SnippetFile { path: name.to_owned(), content });
        }
        if files.is_empty() {
            // Versions before 13.1 have one file, under an address of its own.
            let content = self.api.text(&below(path, &["snippets", &id, "raw"]), operation).await?;
            files.push(SnippetFile { path: it.file_name.clone().unwrap_or_default(), content });
        }
        Ok(files)
    }

    /// Archived, then locked.
    pub(super) async fn states(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read states";
        let (name, place) = part(at, STATES[0])?;
        if name == STATES[0] {
            let archived = map::project::archived(&self.project(path).await?);
            let record = archived.map(|it| Record::new("archived", Object::from(it)));
            let next = Some(in_part(STATES[1], ""));
            return Ok(Page { records: record.into_iter().collect(), next });
        }
        let is_issues = name == STATES[1];
        let found = if is_issues {
            let found = self.numbered::<wire::Issue>(path, place, operation).await;
            found.map(|(items, next)| {
                let state = |it: wire::Issue| {
                    let number = it.iid?;
                    let state = issue::locked(Subject::Issue(number), it.discussion_locked)?;
                    Some((format!("issues/{number}/locked"), Object::from(state)))
                };
                (records(items, state), next)
            })
        } else {
            let found = self.numbered::<wire::MergeRequest>(path, place, operation).await;
            found.map(|(items, next)| {
                let state = |it: wire::MergeRequest| {
                    let number = it.iid?;
                    let subject = Subject::ChangeRequest(number);
                    let state = issue::locked(subject, it.discussion_locked)?;
                    Some((format!("merge_requests/{number}/locked"), Object::from(state)))
                };
                (records(items, state), next)
            })
        };
        let (records, next) = found?;
        let next = next.map(|it| in_part(name, &it));
        let next = next.or_else(|| is_issues.then(|| in_part(STATES[2], "")));
        Ok(Page { records, next })
    }
}

/// The branch in the address of a snippet's file: `…/raw/BRANCH/NAME`.
fn branch_in<'a>(url: Option<&'a str>, name: &str) -> Option<&'a str> {
    let (_, rest) = url?.rsplit_once("/raw/")?;
    let branch = rest.strip_suffix(name)?.trim_end_matches('/');
    (!branch.is_empty() && !branch.contains('/')).then_some(branch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_of_a_snippet_stands_in_the_address_of_its_file() {
        let url = Some("https://h.example/a/b/-/snippets/1/raw/master/x/y.rb");

        assert_eq!(branch_in(url, "x/y.rb"), Some("master"));
        assert_eq!(branch_in(url, "z.rb"), None);
        assert_eq!(branch_in(None, "z.rb"), None);
    }
}
