//! What is said and what happened, under issues, change requests and snippets.

use super::{GitlabSource, below, numbered::Numbered};
use crate::{
    cursor::{in_part, part},
    gitlab::{
        api::{Listing, Query, is_closed},
        map::{change_request, event, issue, note},
        wire,
    },
    walk::{AT_ONCE, Children},
};
use futures::{FutureExt, TryStreamExt, stream, stream::StreamExt};
use packhorse_core::{
    Cursor, HostError, HostErrorKind, Object, Record,
    model::{HostId, Subject},
    port::Page,
};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// The listings that things are said under, in the order in which they are read.
const PARTS: [&str; 3] = ["issues", "merge_requests", "snippets"];
/// Notes whose reactions are asked for at once.
const NOTES_AT_ONCE: usize = 4;

/// What something is said about, with the listing and the key that its address has.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) list: &'static str,
    pub(super) key: String,
    pub(super) subject: Subject,
    /// Number of notes, where the listing tells it.
    n_notes: Option<u64>,
}

impl About {
    fn issue(it: &wire::Issue) -> Option<Self> {
        let number = it.iid?;
        let (key, subject) = (number.to_string(), Subject::Issue(number));
        Some(Self { list: wire::Issue::LIST, key, subject, n_notes: it.user_notes_count })
    }

    fn change_request(it: &wire::MergeRequest) -> Option<Self> {
        let number = it.iid?;
        let (key, subject) = (number.to_string(), Subject::ChangeRequest(number));
        Some(Self { list: wire::MergeRequest::LIST, key, subject, n_notes: it.user_notes_count })
    }

    fn snippet(it: &wire::Snippet) -> Option<Self> {
        let key = it.id?.to_string();
        let subject = Subject::Snippet(HostId(key.clone()));
        Some(Self { list: "snippets", key, subject, n_notes: None })
    }

    /// The id of a note, from which its address can be made again.
    fn note_id(&self, note: u64) -> String {
        format!("{}/{}/{note}", self.list, self.key)
    }

    /// The number of the change request that it is.
    fn number(&self) -> u64 {
        self.key.parse().unwrap_or_default()
    }
}

/// The id of a comment in a thread.
fn review_comment_id(number: u64, discussion: &str, note: u64) -> String {
    format!("{number}/{discussion}/{note}")
}

fn page(part: &str, (records, next): (Vec<Record>, Option<String>), parts: &[&str]) -> Page {
    let following = parts.iter().skip_while(|it| **it != part).nth(1);
    let next = next.map(|it| in_part(part, &it)).or_else(|| following.map(|it| in_part(it, "")));
    Page { records, next }
}

impl GitlabSource {
    /// Walks all that something is said about, one listing after the other.
    async fn under_all<'a>(
        &'a self,
        path: &'a str,
        at: Option<&Cursor>,
        parts: &[&str],
        operation: &'static str,
        children: impl Fn(About) -> Children<'a>,
    ) -> Result<Page, HostError> {
        let (name, place) = part(at, parts.first().copied().unwrap_or_default())?;
        let of = |about: Option<About>| match about {
            Some(about) => children(about),
            None => async { Ok(Vec::new()) }.boxed(),
        };
        let found = match name {
            "issues" => {
                self.under(path, place, operation, |it: wire::Issue| of(About::issue(&it))).await
            }
            "merge_requests" => {
                let about = |it: wire::MergeRequest| of(About::change_request(&it));
                self.under(path, place, operation, about).await
            }
            _ => self.under_snippets(path, place, operation, of).await,
        };
        Ok(page(name, found?, parts))
    }

    async fn under_snippets<'a>(
        &'a self,
        path: &'a str,
        place: Option<&str>,
        operation: &'static str,
        children: impl Fn(Option<About>) -> Children<'a>,
    ) -> Result<(Vec<Record>, Option<String>), HostError> {
        let number =
            place.map_or(Ok(1), |it| it.parse().map_err(|_| crate::cursor::foreign(it)))?;
        let below = below(path, &["snippets"]);
        let found = self.api.list(&below, &[], number, operation).await;
        let listing: Listing<wire::Snippet> = match found {
            Err(error) if is_closed(error.kind) => {
                return self.nothing(path).await.map(|_| (Vec::new(), None));
            }
            other => other?,
        };
        let lists = stream::iter(listing.items).map(|it| children(About::snippet(&it)));
        let lists: Vec<Vec<Record>> = lists.buffered(AT_ONCE).try_collect().await?;
        Ok((lists.concat(), listing.next.map(|it| it.to_string())))
    }

    /// The discussions about something.
    pub(super) async fn discussions(
        &self,
        path: &str,
        about: &About,
        operation: &'static str,
    ) -> Result<Vec<wire::Discussion>, HostError> {
        if about.n_notes == Some(0) {
            return Ok(Vec::new());
        }
        let path = below(path, &[about.list, &about.key, "discussions"]);
        self.children_of(&path, &[], operation).await
    }

    pub(super) async fn comments(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read comments";
        self.under_all(path, at, &PARTS, operation, |about| {
            async move {
                let mut records = Vec::new();
                for it in self.discussions(path, &about, operation).await? {
                    if note::is_in_diff(&it) && about.list == "merge_requests" {
                        continue;
                    }
                    let id = |note| about.note_id(note);
                    let mut comments = note::comments(it, &about.subject, id, self.host());
                    if about.list == "merge_requests" {
                        comments.retain(|(_, it)| !note::is_verdict(it));
                    }
                    let record = |(id, it)| Record::new(id, Object::from(it));
                    records.extend(comments.into_iter().map(record));
                }
                Ok(records)
            }
            .boxed()
        })
        .await
    }

    /// Threads in diffs, of one change request after the other.
    async fn in_diffs<'a>(
        &'a self,
        path: &'a str,
        at: Option<&Cursor>,
        operation: &'static str,
        map: impl Fn(wire::Discussion, u64, &str) -> Vec<Record> + Send + Sync + Copy + 'a,
    ) -> Result<Page, HostError> {
        self.under_all(path, at, &["merge_requests"], operation, move |about| {
            async move {
                let discussions = self.discussions(path, &about, operation).await?;
                let in_diff = discussions.into_iter().filter(note::is_in_diff);
                let mapped = in_diff.flat_map(|it| match it.id.clone() {
                    Some(id) => map(it, about.number(), &id),
                    None => Vec::new(),
                });
                Ok(mapped.collect())
            }
            .boxed()
        })
        .await
    }

    pub(super) async fn review_threads(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.in_diffs(path, at, "read threads", |it, number, id| {
            let thread = note::thread(&it, number, self.host());
            let record = |it| Record::new(format!("{number}/{id}"), Object::from(it));
            thread.map(record).into_iter().collect()
        })
        .await
    }

    pub(super) async fn review_comments(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        self.in_diffs(path, at, "read comments on changes", |it, number, id| {
            let own = |note| review_comment_id(number, id, note);
            let thread = format!("{number}/{id}");
            let comments = note::review_comments(it, (number, &thread), own, self.host());
            let record = |(id, it)| Record::new(id, Object::from(it));
            comments.into_iter().map(record).collect()
        })
        .await
    }

    /// Reactions to issues, change requests and snippets, and to what is said about them.
    pub(super) async fn reactions(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read reactions";
        self.under_all(path, at, &PARTS, operation, |about| {
            async move {
                let mut records = self.awards(path, &about, None, about.subject.clone()).await?;
                let mut notes = Vec::new();
                for it in self.discussions(path, &about, operation).await? {
                    notes.extend(reacted(it, &about));
                }
                let asked = stream::iter(notes)
                    .map(|(note, subject)| self.awards(path, &about, Some(note), subject));
                let found: Vec<Vec<Record>> = asked.buffered(NOTES_AT_ONCE).try_collect().await?;
                records.extend(found.into_iter().flatten());
                Ok(records)
            }
            .boxed()
        })
        .await
    }

    async fn awards(
        &self,
        path: &str,
        about: &About,
        note: Option<u64>,
        subject: Subject,
    ) -> Result<Vec<Record>, HostError> {
        let number = note.map(|it| it.to_string());
        let mut rest = vec![about.list, about.key.as_str()];
        if let Some(number) = &number {
            rest.extend(["notes", number.as_str()]);
        }
        rest.push("award_emoji");
        let awards = self.children_of(&below(path, &rest), &[], "read reactions").await?;
        let (list, key) = (about.list, &about.key);
        let note = number.as_deref().unwrap_or("-");
        let record = |it| {
            let (id, reaction) = issue::reaction(it, &subject, self.host())?;
            Some(Record::new(format!("{list}/{key}/{note}/{id}"), Object::from(reaction)))
        };
        Ok(awards.into_iter().filter_map(record).collect())
    }

    /// Changes of state, of labels and of milestones, and what else the server noted.
    pub(super) async fn events(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read what happened";
        self.under_all(path, at, &PARTS[..2], operation, |about| {
            async move {
                let mut found = Vec::new();
                for (word, listing) in [
                    ("state", "resource_state_events"),
                    ("label", "resource_label_events"),
                    ("milestone", "resource_milestone_events"),
                ] {
                    let below = below(path, &[about.list, &about.key, listing]);
                    let events: Vec<wire::ResourceEvent> =
                        self.children_of(&below, &[], operation).await?;
                    for it in events {
                        let event = event::resource(it, &about.subject, self.host());
                        found.extend(event.map(|(id, it)| (word, id, it)));
                    }
                }
                let below = below(path, &[about.list, &about.key, "notes"]);
                let query = [("sort", "asc"), ("activity_filter", "only_activity")];
                let notes: Vec<wire::Note> = self.children_of(&below, &query, operation).await?;
                for it in notes.into_iter().filter(|it| it.system == Some(true)) {
                    let event = event::noted(it, &about.subject, self.host());
                    found.extend(event.map(|(id, it)| ("note", id, it)));
                }
                found.sort_by_key(|(_, id, it)| (it.created_at, *id));
                let (list, key) = (about.list, &about.key);
                let record = |(word, id, it)| {
                    Record::new(format!("{list}/{key}/{word}/{id}"), Object::from(it))
                };
                Ok(found.into_iter().map(record).collect())
            }
            .boxed()
        })
        .await
    }

    /// Children of what may have gone meanwhile, in a listing that older versions may not have.
    async fn children_of<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<T>, HostError> {
        match self.api.children(path, query, operation).await {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// Approvals, and demands for changes.
    pub(super) async fn reviews(&self, path: &str, at: Option<&Cursor>) -> Result<Page, HostError> {
        let operation = "read approvals";
        let (_, place) = part(at, "merge_requests")?;
        let found = self
            .under(path, place, operation, |it: wire::MergeRequest| {
                async move {
                    let Some(number) = it.iid else { return Ok(Vec::new()) };
                    let key = number.to_string();
                    let rest = ["merge_requests", key.as_str(), "approvals"];
                    let told: Option<wire::Approvals> =
                        self.api.find(&below(path, &rest), &[], operation).await?;
                    let approvals = told.and_then(|it| it.approved_by).unwrap_or_default();
                    let mut found = self.verdicts(path, &it, operation).await?;
                    let given: BTreeSet<String> =
                        found.iter().filter_map(|it| it.given()).collect();
                    let mut found: Vec<_> = found.drain(..).map(|it| (it.id, it.review)).collect();
                    let approvals = approvals
                        .into_iter()
                        .filter_map(|it| change_request::approval(it, number, self.host()));
                    found.extend(approvals.filter(|(who, _)| !given.contains(who)));
                    if it.reviewers.is_some_and(|it| !it.is_empty()) {
                        let rest = ["merge_requests", key.as_str(), "reviewers"];
                        let told: Option<Vec<wire::Reviewer>> =
                            self.api.find(&below(path, &rest), &[], operation).await?;
                        let demands = told.into_iter().flatten();
                        found.extend(
                            demands
                                .filter_map(|it| change_request::demand(it, number, self.host())),
                        );
                    }
                    let record =
                        |(who, it)| Record::new(format!("{number}/{who}"), Object::from(it));
                    Ok(found.into_iter().map(record).collect())
                }
                .boxed()
            })
            .await?;
        Ok(page("merge_requests", found, &["merge_requests"]))
    }

    /// Verdicts that stand in notes, where we wrote them.
    async fn verdicts(
        &self,
        path: &str,
        it: &wire::MergeRequest,
        operation: &'static str,
    ) -> Result<Vec<note::Verdict>, HostError> {
        let Some(about) = About::change_request(it) else { return Ok(Vec::new()) };
        let discussions = self.discussions(path, &about, operation).await?;
        let notes = discussions.into_iter().flat_map(|it| it.notes.unwrap_or_default());
        Ok(notes.filter_map(|it| note::verdict(it, about.number(), self.host())).collect())
    }

    /// Files that texts refer to.
    pub(super) async fn attachments(
        &self,
        path: &str,
        at: Option<&Cursor>,
    ) -> Result<Page, HostError> {
        let operation = "read texts for the files that they name";
        let (name, place) = part(at, "issues")?;
        let found = match name {
            "issues" => {
                self.under(path, place, operation, |it: wire::Issue| {
                    self.files_of(path, About::issue(&it), it.description, operation)
                })
                .await
            }
            _ => {
                self.under(path, place, operation, |it: wire::MergeRequest| {
                    self.files_of(path, About::change_request(&it), it.description, operation)
                })
                .await
            }
        };
        let (records, next) = found?;
        let records = super::files::named_first(&self.named, path, records);
        Ok(page(name, (records, next), &PARTS[..2]))
    }

    /// The files that a text and what is said about it refer to.
    fn files_of<'a>(
        &'a self,
        path: &'a str,
        about: Option<About>,
        text: Option<String>,
        operation: &'static str,
    ) -> Children<'a> {
        async move {
            let Some(about) = about else { return Ok(Vec::new()) };
            let mut files = issue::uploads(&text.unwrap_or_default());
            for it in self.discussions(path, &about, operation).await? {
                for note in it.notes.into_iter().flatten() {
                    files.extend(issue::uploads(&note.body.unwrap_or_default()));
                }
            }
            let mut seen = BTreeSet::new();
            files.retain(|it| seen.insert(it.clone()));
            let record = |file: String| {
                let attachment = issue::attachment(&file, &about.subject);
                Record::new(file, Object::from(attachment))
            };
            Ok(files.into_iter().map(record).collect())
        }
        .boxed()
    }
}

/// The notes of a discussion that can have reactions, with what they are in the model.
fn reacted(it: wire::Discussion, about: &About) -> Vec<(u64, Subject)> {
    let is_thread = note::is_in_diff(&it) && about.list == "merge_requests";
    let discussion = it.id.unwrap_or_default();
    let subject = |note: u64| match is_thread {
        true => {
            Subject::ReviewComment(HostId(review_comment_id(about.number(), &discussion, note)))
        }
        false => Subject::Comment(HostId(about.note_id(note))),
    };
    let written = it.notes.into_iter().flatten().filter(|it| it.system != Some(true));
    written.filter_map(|it| it.id).map(|id| (id, subject(id))).collect()
}
