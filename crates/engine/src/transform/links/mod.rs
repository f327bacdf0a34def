//! References in texts: addresses at the old host, `#12`, `@somebody`.
//!
//! Texts are patched in place, byte range by byte range, so that what needs no
//! change stays as it was typed. Code is never touched. A reference to something
//! whose new number is not known yet stays, and the record gets a loss of the
//! field [`UNRESOLVED`], by which [`crate::relink`] finds it again.
//!
//! New numbers come out of [`Record::links`]: the engine puts there what the
//! origins that `Links::references` names became. A number of another project stands
//! there under `path#number`.

mod files;
mod ids;
mod numbers;
mod place;
mod scan;

pub(crate) use files::{Files, files};
pub use ids::host_ids;
pub(crate) use ids::later_id;
pub(crate) use numbers::{Numbers, missing_parent, numbered};

use super::{
    paths::PathMap,
    users::{Account, UserMap},
};
use packhorse_core::{
    Addresses, Capabilities, Lane, Loss, ObjectKind, Origin, Record, Scope, Settle, TargetId, Web,
    authored::marked_up,
    model::{Markup, Text},
    port::{Context, Transform},
};
use place::Thing;
use scan::{Spot, What, scan};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Field of the loss that marks a record whose references are not all resolved.
pub const UNRESOLVED: &str = "references";

/// Most references of one record that are looked up; further ones stay as they are.
const MAX_REFERENCES: usize = 1_000;

/// Leads references in texts to where their objects are now.
#[derive(Debug)]
pub struct Links {
    /// Where texts may lead now.
    sources: Vec<Web>,
    sink_url: Option<String>,
    /// How addresses name projects at the destination.
    addresses: Addresses,
    /// Markup of the destination; `None` keeps any.
    markup: Option<Markup>,
    keeps_numbers: bool,
    paths: Arc<PathMap>,
    users: Option<Arc<UserMap>>,
}

impl Links {
    /// The step between two ends; `None` where there is nothing to lead anywhere else.
    pub fn between(
        source: &Capabilities,
        sink: &Capabilities,
        paths: Arc<PathMap>,
        users: Option<Arc<UserMap>>,
    ) -> Option<Self> {
        let sources = source.webs();
        let sink_url = sink.web_url.as_deref().map(|it| it.trim_end_matches('/').to_owned());
        let leads_there = |it: &Web| sink_url.as_ref() == Some(&it.url);
        let stays = (sink_url.is_none() || sources.iter().all(leads_there))
            && sink.markup.is_none()
            && sink.keeps.numbers
            && paths.is_identity()
            && users.is_none();
        let keeps_numbers = sink.keeps.numbers;
        let markup = sink.markup;
        let addresses = sink.addresses;
        (!stays).then_some(Self {
            sources,
            sink_url,
            addresses,
            markup,
            keeps_numbers,
            paths,
            users,
        })
    }

    /// Whether numbers have to be looked up to lead references to their objects.
    fn looks_up(&self, markup: Markup) -> bool {
        !self.keeps_numbers || signs_differ(markup, self.markup.unwrap_or(markup))
    }

    /// What the texts of a record of that scope refer to by number, as it is to be looked up for
    /// [`Record::links`].
    ///
    /// Empty where the destination keeps numbers. At most 1,000.
    pub(crate) fn references(&self, record: &mut Record, scope: &Scope) -> BTreeSet<Reference> {
        let mut found = BTreeSet::new();
        let Some((_, text)) = marked_up(&mut record.object) else { return found };
        if !self.looks_up(text.markup) {
            return found;
        }
        for spot in self.spots(text) {
            let (project, thing) = match spot.what {
                What::Mention(_) => continue,
                What::Shorthand { project, thing } => (project, thing),
                What::Address { project, thing, .. } => (Some(project), thing),
            };
            let project = project.filter(|it| scope.project() != Some(it));
            found.extend(thing.candidates().into_iter().map(|it| Reference {
                project: project.clone(),
                kind: it.kind,
                number: it.number,
            }));
            if found.len() >= MAX_REFERENCES {
                break;
            }
        }
        found
    }

    fn spots(&self, text: &Text) -> Vec<Spot> {
        scan(text.as_str(), text.markup, &self.sources, &self.paths)
    }

    /// What a spot becomes; `Err` when that is not known yet.
    fn becomes(&self, what: &What, here: &Here<'_>) -> Result<Option<String>, NotYet> {
        match what {
            What::Mention(login) => Ok(self
                .users
                .as_ref()
                .and_then(|users| users.account(login))
                .map(|account| mention(account, here.layout, self.addresses))),
            What::Shorthand { project, thing } => {
                let thing = self.resolve(thing, project.as_deref(), here)?;
                let path = project.as_deref().and_then(|it| self.paths.project(it));
                Ok(short(&thing, path.unwrap_or_default(), here.layout))
            }
            What::Address { project, thing, fragment } => {
                let Some(url) = &self.sink_url else { return Ok(None) };
                let thing = self.resolve(thing, Some(project), here)?;
                let path = self.paths.project(project).unwrap_or(project);
                let to = self.addresses;
                let path = place::below(path, to);
                let fragment = here.fragment(fragment, project, to);
                let address = thing.address(here.layout, to);
                Ok(address.map(|rest| format!("{url}/{path}{rest}{fragment}")))
            }
        }
    }

    /// The same thing under the number that it has at the destination.
    fn resolve(
        &self,
        thing: &Thing,
        project: Option<&str>,
        here: &Here<'_>,
    ) -> Result<Thing, NotYet> {
        let candidates = thing.candidates();
        let is_vague = matches!(thing, Thing::Numbered(_));
        let stays = if is_vague { !self.looks_up(here.markup) } else { self.keeps_numbers };
        if stays || candidates.is_empty() {
            return Ok(thing.clone());
        }
        let known = candidates.into_iter().find_map(|it| {
            let origin = here.origin(it.kind, project, it.number);
            let number = here.links.get(&origin)?.0.parse().ok()?;
            Some((it.thing)(number))
        });
        known.ok_or(NotYet)
    }
}

/// A reference to something whose new number is not known.
struct NotYet;

/// Where a text stands.
struct Here<'a> {
    project: Option<&'a str>,
    markup: Markup,
    layout: Markup,
    links: &'a BTreeMap<Origin, TargetId>,
}

impl Here<'_> {
    /// How a numbered thing is called among [`Record::links`].
    fn origin(&self, kind: ObjectKind, project: Option<&str>, n: u64) -> Origin {
        match project {
            Some(other) if self.project != Some(other) => Origin::new(kind, format!("{other}#{n}")),
            Some(_) | None => Origin::new(kind, n.to_string()),
        }
    }

    /// The part of an address that leads to a comment.
    ///
    /// A comment that is not known leads to the page as a whole.
    fn fragment(&self, fragment: &str, project: &str, addresses: Addresses) -> String {
        let id = fragment.rsplit(['-', '_', '=']).next().unwrap_or_default();
        let known = (self.project == Some(project))
            .then(|| self.links.get(&Origin::new(ObjectKind::Comment, id)))
            .flatten();
        // Some ids say first what the comment belongs to.
        let n = known.and_then(|it| it.0.rsplit('/').next()?.parse::<u64>().ok());
        match (n, self.layout) {
            (Some(n), Markup::Gitlab) => format!("#note_{n}"),
            (Some(n), Markup::Github | Markup::Gitea | Markup::Plain) => {
                format!("#issuecomment-{n}")
            }
            (Some(n), Markup::Bitbucket) if addresses == Addresses::Repositories => {
                format!("/overview?commentId={n}")
            }
            (Some(n), Markup::Bitbucket) => format!("#comment-{n}"),
            (None, _) => String::new(),
        }
    }
}

impl Transform for Links {
    fn name(&self) -> &'static str {
        "links"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        let Some((_, text)) = marked_up(&mut record.object) else { return };
        let layout = self.markup.unwrap_or(text.markup);
        let here = Here {
            project: context.scope.project(),
            markup: text.markup,
            layout,
            links: &record.links,
        };
        let mut not_yet = false;
        let mut patches = Vec::new();
        for Spot { range, what } in self.spots(text) {
            match self.becomes(&what, &here) {
                Ok(Some(new)) => patches.push((range, new)),
                Ok(None) => {}
                Err(NotYet) => not_yet = true,
            }
        }
        patch(&mut text.text.0, &patches);
        if text.markup != Markup::Plain {
            text.markup = layout;
        }
        if not_yet {
            let detail = "refers to something whose new number was not known yet";
            record.losses.push(Loss::policy(UNRESOLVED, detail));
        }
    }
}

/// Whether [`Record::links`] has to be filled for a destination, because it gives ids or numbers
/// of its own or writes references in its own way.
pub(crate) fn looks_up(sink: &Capabilities) -> bool {
    sink.settle == Settle::Record || !sink.keeps.numbers || sink.markup.is_some()
}

/// Something that a text refers to by its number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// Full path of its project at the source; `None` when it is the record's own.
    project: Option<String>,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its number at the source.
    pub number: u64,
}

impl Reference {
    /// Where it stands at the source, for a record of that scope.
    pub(crate) fn lane(&self, scope: &Scope) -> Lane {
        let scope = self.project.clone().map_or_else(|| scope.clone(), Scope::Project);
        Lane::new(scope, self.kind)
    }

    /// How it is called among [`Record::links`].
    pub(crate) fn key(&self) -> Origin {
        match &self.project {
            Some(project) => Origin::new(self.kind, format!("{project}#{}", self.number)),
            None => Origin::new(self.kind, self.number.to_string()),
        }
    }
}

/// Whether two hosts write references to change requests with different signs.
pub(crate) fn signs_differ(a: Markup, b: Markup) -> bool {
    (a == Markup::Gitlab) != (b == Markup::Gitlab)
}

fn short(thing: &Thing, path: &str, layout: Markup) -> Option<String> {
    match thing {
        Thing::ChangeRequest(n) if layout == Markup::Gitlab => Some(format!("{path}!{n}")),
        Thing::Numbered(n) | Thing::Issue(n) | Thing::ChangeRequest(n) => {
            Some(format!("{path}#{n}"))
        }
        Thing::Project
        | Thing::Milestone(_)
        | Thing::Discussion(_)
        | Thing::Release(_)
        | Thing::Commit(_) => None,
    }
}

fn mention(account: &Account, layout: Markup, addresses: Addresses) -> String {
    match layout {
        Markup::Bitbucket if addresses == Addresses::Repositories => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            match account.login.chars().all(is_plain) {
                true => format!("@{}", account.login),
                false => format!("@\"{}\"", account.login),
            }
        }
        Markup::Bitbucket => format!("@{{{}}}", account.login),
        Markup::Plain | Markup::Github | Markup::Gitlab | Markup::Gitea => {
            format!("@{}", account.login)
        }
    }
}

/// Puts new text in place of byte ranges, which are in order; overlapping ones give way to the first.
fn patch(text: &mut String, patches: &[(std::ops::Range<usize>, String)]) {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (range, new) in patches {
        if range.start < done {
            continue;
        }
        out.push_str(&text[done..range.start]);
        out.push_str(new);
        done = range.end;
    }
    if done > 0 {
        out.push_str(&text[done..]);
        *text = out;
    }
}

#[cfg(test)]
mod tests;
