//! Discussions, which GraphQL alone writes.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    unnumbered,
};
use crate::github::{map::plain, wire::graph};
use packhorse_core::{
    HostError, HostErrorKind, ObjectKind, TargetId, mark,
    model::{Comment, Discussion, DiscussionCategory, Subject},
    port::{Outcome, Written},
};
use serde::Deserialize;
use serde_json::json;

/// Where what has no category of its name goes.
const USUAL: &str = "General";
/// What ids of comments on discussions begin with.
pub(super) const HEAD: &str = "discussioncomment-";

const ABOUT: &str = "query($owner: String!, $name: String!) { repository(owner: $owner, \
    name: $name) { id discussionCategories(first: 100) { nodes { id name } } } }";

const ONE: &str = "query($owner: String!, $name: String!, $number: Int!) { repository(owner: \
    $owner, name: $name) { discussion(number: $number) { id number } } }";

const COMMENTS: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) { \
    repository(owner: $owner, name: $name) { discussion(number: $number) { comments(first: 50, \
    after: $after) { pageInfo { hasNextPage endCursor } nodes { id databaseId body \
    replies(first: 100) { nodes { id databaseId body } } } } } } }";

const LIST: &str = "query($owner: String!, $name: String!, $after: String) { repository(owner: \
    $owner, name: $name) { discussions(first: 50, after: $after, orderBy: {field: CREATED_AT, \
    direction: DESC}) { pageInfo { hasNextPage endCursor } nodes { number body } } } }";

const CREATE: &str = "mutation($repository: ID!, $category: ID!, $title: String!, $body: String!) \
    { made: createDiscussion(input: {repositoryId: $repository, categoryId: $category, \
    title: $title, body: $body}) { discussion { id number } } }";

const UPDATE: &str = "mutation($id: ID!, $title: String!, $body: String!) { made: \
    updateDiscussion(input: {discussionId: $id, title: $title, body: $body}) \
    { discussion { id number } } }";

const CLOSE: &str = "mutation($id: ID!) { made: closeDiscussion(input: {discussionId: $id}) \
    { discussion { id number } } }";

const ADD: &str = "mutation($id: ID!, $body: String!, $reply: ID) { made: \
    addDiscussionComment(input: {discussionId: $id, body: $body, replyToId: $reply}) \
    { comment { id databaseId } } }";

const CHANGE: &str = "mutation($id: ID!, $body: String!) { made: \
    updateDiscussionComment(input: {commentId: $id, body: $body}) { comment { id databaseId } } }";

const ANSWER: &str = "mutation($id: ID!) { made: markDiscussionCommentAsAnswer(input: {id: $id}) \
    { discussion { id number } } }";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Around {
    repository: Option<graph::Repository>,
}

/// What a mutation made.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Made {
    made: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    discussion: Option<graph::Discussion>,
    comment: Option<graph::DiscussionComment>,
}

/// A comment on a discussion, as far as it is looked for.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) database_id: u64,
    pub(super) body: String,
}

impl GithubSink {
    async fn around(&self, order: Order<'_>) -> Result<graph::Repository, HostError> {
        let variables = json!({"owner": order.path.owner, "name": order.path.name});
        let around: Around =
            self.api.query(ABOUT, variables, "read categories of discussions").await?;
        Ok(around.repository.unwrap_or_default())
    }

    /// The category of that name, which is its id.
    pub(super) async fn find_category(
        &self,
        order: Order<'_>,
        name: &str,
    ) -> Result<Option<TargetId>, HostError> {
        let list = self.around(order).await?.discussion_categories.unwrap_or_default();
        let is_there = list.items().any(|it| it.name.as_deref() == Some(name));
        Ok(is_there.then(|| TargetId(name.to_owned())))
    }

    /// Categories are made on GitHub's pages alone: one of the same name serves.
    pub(super) async fn category(
        &self,
        order: Order<'_>,
        category: &DiscussionCategory,
    ) -> Result<Written, HostError> {
        let mut told = Told::default();
        if self.find_category(order, &category.name).await?.is_none() {
            let why = "categories are made on GitHub's pages alone: make it there and run again";
            return Ok(told.missed(why));
        }
        if category.description.is_some() || category.emoji.is_some() {
            told.lost("description", "the category that is there keeps its own");
        }
        Ok(told.written(&category.name, Outcome::Adopted))
    }

    pub(super) async fn discussion(
        &self,
        order: Order<'_>,
        discussion: &Discussion,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a discussion");
        let (title, body) = (told.title(&discussion.title), told.words(discussion.body.as_ref()));
        if !discussion.labels.is_empty() {
            told.lost("labels", "labels of discussions are not written");
        }
        let made: Made = if let Some(existing) = order.existing {
            let Some(id) = self.discussion_id(order, number_of(&existing.0)).await? else {
                return Err(HostError::new(HostErrorKind::NotFound, operation)
                    .with("discussion", &existing.0));
            };
            let variables = json!({"id": id, "title": title, "body": body});
            self.api.mutate(UPDATE, variables, operation).await?
        } else {
            let around = self.around(order).await?;
            let category = choose(&around, discussion, &mut told);
            let Some((repository, category)) = around.id.zip(category) else {
                let why = "discussions are switched off here, or have no category that fits";
                return Ok(told.dropped(why));
            };
            let variables = json!({"repository": repository, "category": category,
                "title": title, "body": body});
            self.api.mutate(CREATE, variables, operation).await?
        };
        let made = made.made.and_then(|it| it.discussion).unwrap_or_default();
        if discussion.answer.is_some() && order.existing.is_none() {
            told.lost("answer", "the comment comes later: the next run chooses it");
        }
        if let (Some(answer), true) = (&discussion.answer, order.existing.is_some()) {
            self.choose_answer(order, made.number.unwrap_or_default(), &answer.0, &mut told)
                .await?;
        }
        if let (Some(id), true) = (&made.id, discussion.closed_at.is_some()) {
            let _: Made = self.api.mutate(CLOSE, json!({"id": id}), operation).await?;
        }
        Ok(told.done(made.number.ok_or_else(|| unnumbered(operation))?, order.existing))
    }

    async fn choose_answer(
        &self,
        order: Order<'_>,
        number: u64,
        answer: &str,
        told: &mut Told,
    ) -> Result<(), HostError> {
        let wanted = order.became(ObjectKind::Comment, answer).and_then(|it| it.strip_prefix(HEAD));
        let wanted = wanted.and_then(|it| it.parse::<u64>().ok());
        let is_it = |it: &Found| Some(it.database_id) == wanted;
        let Some(found) = self.discussion_comment_where(order, number, is_it).await? else {
            told.lost("answer", "the comment is not here");
            return Ok(());
        };
        let chosen: Result<Made, _> =
            self.api.mutate(ANSWER, json!({"id": found.id}), "choose an answer").await;
        match chosen {
            // Only some categories have answers.
            Err(error) if refused(error.kind) => told.lost("answer", words(&error)),
            other => drop(other?),
        }
        Ok(())
    }

    pub(super) async fn discussion_id(
        &self,
        order: Order<'_>,
        number: u64,
    ) -> Result<Option<String>, HostError> {
        let variables =
            json!({"owner": order.path.owner, "name": order.path.name, "number": number});
        let around: Around = self.api.query(ONE, variables, "look for a discussion").await?;
        Ok(around.repository.and_then(|it| it.discussion).and_then(|it| it.id))
    }

    /// The first comment on a discussion, or answer to one, of which something holds.
    pub(super) async fn discussion_comment_where(
        &self,
        order: Order<'_>,
        number: u64,
        holds: impl Fn(&Found) -> bool,
    ) -> Result<Option<Found>, HostError> {
        let mut after: Option<String> = None;
        loop {
            let variables = json!({"owner": order.path.owner, "name": order.path.name,
                "number": number, "after": after});
            let around: Around = self.api.query(COMMENTS, variables, "look for a comment").await?;
            let found = around.repository.and_then(|it| it.discussion).unwrap_or_default();
            let list = found.comments.unwrap_or_default();
            let next = list.next();
            for mut comment in list.items() {
                let replies = comment.replies.take().unwrap_or_default();
                let answers = replies.items().map(|it| (it.id, it.database_id, it.body));
                let itself = (comment.id, comment.database_id, comment.body);
                let all = std::iter::once(itself).chain(answers);
                let found = all.filter_map(|(id, database_id, body)| {
                    let body = body.unwrap_or_default();
                    Some(Found { id: id?, database_id: database_id?, body })
                });
                if let Some(found) = found.into_iter().find(|it| holds(it)) {
                    return Ok(Some(found));
                }
            }
            // SECURITY: the same page again would never end.
            match next.filter(|it| Some(it) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }

    pub(super) async fn discussion_comment(
        &self,
        order: Order<'_>,
        comment: &Comment,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a comment on a discussion");
        let Subject::Discussion(number) = &comment.subject else {
            return Ok(told.dropped("it is on no discussion"));
        };
        let number = *number;
        if comment.internal {
            // SECURITY: what only members see must not be shown to everybody.
            return Ok(told.dropped("GitHub has no comments that only members see"));
        }
        let body = told.words(comment.body.as_ref());
        let by_id = |wanted: u64| move |it: &Found| it.database_id == wanted;
        if let Some(existing) = order.existing {
            let wanted = comment_number(&existing.0);
            let Some(found) = self.discussion_comment_where(order, number, by_id(wanted)).await?
            else {
                return Err(
                    HostError::new(HostErrorKind::NotFound, operation).with("comment", &existing.0)
                );
            };
            let _: Made =
                self.api.mutate(CHANGE, json!({"id": found.id, "body": body}), operation).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let Some(id) = self.discussion_id(order, number).await? else {
            return Ok(told.dropped("its discussion is not here"));
        };
        let mut reply = None;
        if let Some(to) = &comment.reply_to {
            let became = order.became(ObjectKind::Comment, &to.0).map(comment_number);
            if let Some(wanted) = became {
                let found = self.discussion_comment_where(order, number, by_id(wanted)).await?;
                reply = found.map(|it| it.id);
            }
            if reply.is_none() {
                told.lost("reply_to", "the comment that it answers is not here");
            }
        }
        let variables = json!({"id": id, "body": body, "reply": reply});
        let made: Made = self.api.mutate(ADD, variables, operation).await?;
        let made = made.made.and_then(|it| it.comment).and_then(|it| it.database_id);
        let made = made.ok_or_else(|| unnumbered(operation))?;
        Ok(told.done(format!("{HEAD}{made}"), None))
    }
}

/// The id of the category that a discussion belongs to here.
fn choose(around: &graph::Repository, discussion: &Discussion, told: &mut Told) -> Option<String> {
    let list: Vec<_> = around.discussion_categories.clone().unwrap_or_default().items().collect();
    let named = |name: &str| {
        let found = list.iter().find(|it| it.name.as_deref() == Some(name));
        found.and_then(|it| plain(it.id.clone()))
    };
    let wanted = discussion.category.as_deref();
    wanted.and_then(named).or_else(|| {
        let why = "there is no category of that name: it is in the usual one";
        wanted.into_iter().for_each(|_| told.lost("category", why));
        named(USUAL).or_else(|| list.first().and_then(|it| plain(it.id.clone())))
    })
}

fn number_of(id: &str) -> u64 {
    id.parse().unwrap_or_default()
}

/// The number in the id of a comment on a discussion.
pub(super) fn comment_number(id: &str) -> u64 {
    number_of(id.strip_prefix(HEAD).unwrap_or(id))
}

impl GithubSink {
    /// The discussion that has the mark of the record, the newest first.
    pub(super) async fn find_discussion(
        &self,
        order: Order<'_>,
    ) -> Result<Option<TargetId>, HostError> {
        let mut after: Option<String> = None;
        loop {
            let variables =
                json!({"owner": order.path.owner, "name": order.path.name, "after": after});
            let around: Around = self.api.query(LIST, variables, "look for a discussion").await?;
            let list = around.repository.and_then(|it| it.discussions).unwrap_or_default();
            let next = list.next();
            for found in list.items() {
                let mark = found.body.as_deref().and_then(mark::parse);
                if mark.is_some_and(|(origin, _)| origin == order.record.origin) {
                    let number = found.number.unwrap_or_default();
                    return Ok(Some(TargetId(number.to_string())));
                }
            }
            // SECURITY: the same page again would never end.
            match next.filter(|it| Some(it) != after.as_ref()) {
                Some(next) => after = Some(next),
                None => return Ok(None),
            }
        }
    }
}
