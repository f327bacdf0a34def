//! Reactions: whoever owns the token reacts once with each picture.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    unnumbered, wire,
};
use crate::github::map::subject_key;
use http::{Method, StatusCode};
use packhorse_core::{
    HostError, ObjectKind,
    model::{HostId, Reaction, Subject},
    port::Written,
};
use serde_json::json;

/// The pictures that GitHub has; releases take all but two.
const PICTURES: [&str; 8] = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

/// What is reacted to: as it is here, and where its reactions are.
pub(super) struct Place {
    pub(super) subject: Subject,
    pub(super) below: Vec<String>,
}

impl GithubSink {
    pub(super) async fn reaction_place(
        &self,
        order: Order<'_>,
        subject: &Subject,
    ) -> Result<Option<Place>, HostError> {
        let of = |parts: &[&str]| parts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let id = |kind, id: &HostId| order.became(kind, &id.0).map(|it| HostId(it.to_owned()));
        let (subject, below) = match subject {
            Subject::Issue(number) => {
                (Subject::Issue(*number), of(&["issues", &number.to_string()]))
            }
            Subject::ChangeRequest(number) => {
                (Subject::ChangeRequest(*number), of(&["issues", &number.to_string()]))
            }
            Subject::Comment(source) => {
                let Some(id) = id(ObjectKind::Comment, source) else { return Ok(None) };
                let below = of(&["issues", "comments", &id.0]);
                (Subject::Comment(id), below)
            }
            Subject::ReviewComment(source) => {
                let Some(id) = id(ObjectKind::ReviewComment, source) else { return Ok(None) };
                let below = of(&["pulls", "comments", &id.0]);
                (Subject::ReviewComment(id), below)
            }
            Subject::CommitComment(source) => {
                let Some(id) = id(ObjectKind::CommitComment, source) else { return Ok(None) };
                let below = of(&["comments", &id.0]);
                (Subject::CommitComment(id), below)
            }
            Subject::Release(tag) => {
                let Some(release) = self.release_by_tag(order.path, tag).await? else {
                    return Ok(None);
                };
                let id = release.id.unwrap_or_default().to_string();
                (Subject::Release(tag.clone()), of(&["releases", &id]))
            }
            Subject::Project
            | Subject::Discussion(_)
            | Subject::Commit(_)
            | Subject::Review(_)
            | Subject::Snippet(_) => return Ok(None),
        };
        let is_number = below.last().is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()));
        Ok(is_number.then_some(Place { subject, below }))
    }

    pub(super) async fn reaction(
        &self,
        order: Order<'_>,
        reaction: &Reaction,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        if let Some(existing) = order.existing {
            return Ok(told.done(&existing.0, order.existing));
        }
        if !PICTURES.contains(&reaction.content.as_str()) {
            return Ok(told.dropped(format!("GitHub has no picture `{}`", reaction.content)));
        }
        let Some(place) = self.reaction_place(order, &reaction.subject).await? else {
            return Ok(told.dropped("what it is to takes no reactions here, or is not here"));
        };
        let below: Vec<&str> = place.below.iter().map(String::as_str).collect();
        let path = [order.path.below(&below), vec!["reactions"]].concat();
        let body = json!({"content": reaction.content});
        let answer = match self.api.tell(Method::POST, &path, &body, "react").await {
            Err(error) if refused(error.kind) => return Ok(told.dropped(words(&error))),
            other => other?,
        };
        if answer.status == StatusCode::OK {
            let why = "the token's owner has reacted with this picture already, for somebody else";
            return Ok(told.dropped(why));
        }
        let made: wire::Reaction = answer.json(1 << 20).await?;
        let id = made.id.ok_or_else(|| unnumbered("react"))?;
        let me = self.me().await?;
        if reaction.author.as_ref().is_none_or(|it| self.account(it) != Some(me)) {
            told.lost("author", "reactions are of who carries them");
        }
        Ok(told.done(format!("{}/{id}", subject_key(&place.subject)), None))
    }
}
