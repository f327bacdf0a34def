//! Discussions and their categories.

use super::{
    super::address::{Address, Site},
    Notes, body, identity,
    issue::labels,
    owned, text, time, user,
};
use crate::github::wire::{self, List};
use packhorse_core::model;

/// Reads a category.
pub(in crate::github) fn read_category(
    it: wire::DiscussionCategory,
) -> (String, model::DiscussionCategory) {
    let name = it.name.unwrap_or_else(|| Address::of(&it.url).name());
    let category = model::DiscussionCategory {
        name: name.clone(),
        emoji: it.emoji,
        description: it.description,
    };
    (name, category)
}

/// Writes a category.
pub(in crate::github) fn write_category(
    site: &Site,
    it: &model::DiscussionCategory,
) -> wire::DiscussionCategory {
    wire::DiscussionCategory {
        r#type: owned("discussion_category"),
        url: site.category(&it.name),
        repository: Some(owned(site.url())),
        name: Some(it.name.clone()),
        emoji: it.emoji.clone(),
        description: it.description.clone(),
    }
}

/// Reads a discussion; `None` when its address has no number.
pub(in crate::github) fn read(
    it: wire::Discussion,
    notes: &mut Notes,
) -> Option<(String, model::Discussion)> {
    let number = Address::of(&it.url).number()?;
    let discussion = model::Discussion {
        number,
        title: it.title.unwrap_or_default(),
        body: text(it.body),
        author: identity(it.user.as_deref()),
        category: it.discussion_category.as_deref().map(|it| Address::of(it).name()),
        labels: labels(&it.labels.0),
        created_at: notes.time("created_at", it.created_at),
        updated_at: notes.time("updated_at", it.updated_at),
        ..model::Discussion::default()
    };
    Some((number.to_string(), discussion))
}

/// Writes a discussion.
pub(in crate::github) fn write(
    site: &Site,
    it: &model::Discussion,
    reactions: Vec<wire::Reaction>,
) -> wire::Discussion {
    wire::Discussion {
        r#type: owned("discussion"),
        url: site.discussion(it.number),
        repository: Some(owned(site.url())),
        user: user(it.author.as_ref()),
        title: Some(it.title.clone()),
        body: body(it.body.as_ref()),
        labels: it.labels.iter().map(|name| site.label(name)).collect(),
        reactions: List(reactions),
        created_at: time(it.created_at),
        updated_at: time(it.updated_at),
        discussion_category: it.category.as_deref().map(|name| site.category(name)),
    }
}
