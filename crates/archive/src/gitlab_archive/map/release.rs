//! Releases and their links.

use super::{
    super::{people::People, wire},
    body, milestone_number, owned, plain, text, time, told,
};
use crate::wire::List;
use packhorse_core::model::{Release, ReleaseAsset};

/// Reads a release.
pub(in super::super) fn read(it: &wire::Release, people: &People) -> Option<Release> {
    let milestones = it.milestone_releases.0.iter().filter_map(|it| it.milestone.as_ref());
    Some(Release {
        tag: plain(it.tag.clone())?,
        name: plain(it.name.clone()),
        body: text(it.description.clone()),
        author: people.identity(it.author_id),
        target: plain(it.sha.clone()),
        milestones: milestones.filter_map(milestone_number).collect(),
        created_at: time(it.created_at.as_deref()),
        published_at: time(it.released_at.as_deref()),
        ..Release::default()
    })
}

/// Reads a link of a release.
pub(in super::super) fn link(it: &wire::Link, tag: &str) -> Option<(String, ReleaseAsset)> {
    let asset = ReleaseAsset {
        release: tag.to_owned(),
        name: it.name.clone().unwrap_or_default(),
        link: Some(plain(it.url.clone())?),
        created_at: time(it.created_at.as_deref()),
        updated_at: time(it.updated_at.as_deref()),
        ..ReleaseAsset::default()
    };
    Some((crate::key::asset(tag, &asset.name), asset))
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Writes a release, without its links.
pub(in super::super) fn write(
    it: &Release,
    milestone: &dyn Fn(u64) -> Option<wire::Milestone>,
    people: &mut People,
) -> wire::Release {
    let linked =
        it.milestones.iter().map(|number| wire::MilestoneRelease { milestone: milestone(*number) });
    wire::Release {
        tag: Some(it.tag.clone()),
        description: body(it.body.as_ref()),
        created_at: told(it.created_at),
        updated_at: told(it.created_at),
        author_id: people.id_of(it.author.as_ref()),
        name: it.name.clone(),
        sha: it.target.clone().filter(|it| is_commit(it)),
        released_at: told(it.published_at.or(it.created_at)),
        milestone_releases: linked.filter(|it| it.milestone.is_some()).collect(),
        links: List::default(),
        ..wire::Release::default()
    }
}

/// Writes a link; a file has no place among them.
pub(in super::super) fn write_link(it: &ReleaseAsset) -> Option<wire::Link> {
    Some(wire::Link {
        url: Some(it.link.clone()?),
        name: Some(it.name.clone()),
        created_at: told(it.created_at),
        updated_at: told(it.updated_at),
        filepath: None,
        link_type: wire::Word(owned("other")),
    })
}
