//! Places in listings, as the engine keeps them between pages, and how much a page takes.

use packhorse_core::{Cursor, HostError, HostErrorKind, Object, Record, model::Text};

/// Records that make a page full.
pub(super) const FULL: usize = 500;
/// What the texts of a page may weigh together, in bytes.
const MAX_WEIGHT: usize = 1 << 20;

/// A page of parents, one of them, and one of its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Address of the page, or its GraphQL cursor; none for the first.
    pub(super) page: Option<String>,
    /// Item or parent on the page, from 0.
    pub(super) parent: usize,
    /// Child of the parent, from 0.
    pub(super) child: usize,
}

impl Spot {
    /// Reads a cursor; the beginning where there is none.
    pub(super) fn of(at: Option<&str>) -> Result<Self, HostError> {
        let Some(text) = at.filter(|it| !it.is_empty()) else { return Ok(Self::default()) };
        let mut parts = text.splitn(3, '/');
        let mut number = || parts.next()?.parse().ok();
        let (Some(parent), Some(child)) = (number(), number()) else { return Err(foreign(text)) };
        let page = parts.next().ok_or_else(|| foreign(text))?;
        let page = (!page.is_empty()).then(|| page.to_owned());
        Ok(Self { page, parent, child })
    }

    /// The beginning of a page.
    pub(super) fn page(page: String) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    pub(super) fn text(&self) -> String {
        let page = self.page.as_deref().unwrap_or_default();
        format!("{}/{}/{page}", self.parent, self.child)
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(self.text())
    }
}

/// The listing that a cursor of several listings is in, and its place there.
pub(super) fn part<'a>(
    at: Option<&'a Cursor>,
    first: &'a str,
) -> Result<(&'a str, Option<&'a str>), HostError> {
    let Some(cursor) = at else { return Ok((first, None)) };
    let (name, place) = cursor.0.split_once(':').ok_or_else(|| foreign(&cursor.0))?;
    Ok((name, Some(place).filter(|it| !it.is_empty())))
}

/// A cursor into one of several listings.
pub(super) fn in_part(name: &str, place: &str) -> Cursor {
    Cursor(format!("{name}:{place}"))
}

/// The error of a cursor that is not ours.
pub(super) fn foreign(text: &str) -> HostError {
    HostError::new(HostErrorKind::Rejected, "go on with a listing").with("cursor", text)
}

/// A page of records being filled.
#[derive(Default)]
pub(super) struct Filling {
    pub(super) records: Vec<Record>,
    weight: usize,
}

impl Filling {
    /// Takes a record, unless the page is full; a page takes any first record.
    pub(super) fn take(&mut self, record: Record) -> bool {
        let weight = weight(&record.object);
        let is_full = self.records.len() >= FULL || self.weight + weight > MAX_WEIGHT;
        if is_full && !self.records.is_empty() {
            return false;
        }
        self.weight += weight;
        self.records.push(record);
        true
    }
}

/// What the texts of an object weigh: all else of it is small.
fn weight(object: &Object) -> usize {
    let text = |it: &Option<Text>| it.as_ref().map_or(0, |it| it.as_str().len());
    let hunk = |it: &Option<String>| it.as_ref().map_or(0, String::len);
    match object {
        Object::Issue(it) => text(&it.body),
        Object::ChangeRequest(it) => text(&it.body),
        Object::Comment(it) => text(&it.body),
        Object::CommitComment(it) => text(&it.body),
        Object::Review(it) => text(&it.body),
        Object::ReviewThread(it) => hunk(&it.position.hunk),
        Object::ReviewComment(it) => text(&it.body) + hunk(&it.position.hunk),
        Object::Discussion(it) => text(&it.body),
        Object::Release(it) => text(&it.body),
        Object::Milestone(it) => text(&it.description),
        Object::Snippet(_)
        | Object::User(_)
        | Object::Organization(_)
        | Object::Team(_)
        | Object::Project(_)
        | Object::Member(_)
        | Object::Topic(_)
        | Object::LfsObject(_)
        | Object::Repository(_)
        | Object::Wiki(_)
        | Object::Label(_)
        | Object::Attachment(_)
        | Object::DiscussionCategory(_)
        | Object::Reaction(_)
        | Object::Event(_)
        | Object::CommitStatus(_)
        | Object::ReleaseAsset(_)
        | Object::Board(_)
        | Object::BranchRule(_)
        | Object::TagRule(_)
        | Object::Webhook(_)
        | Object::DeployKey(_)
        | Object::Variable(_)
        | Object::State(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Issue, Markup};
    use proptest::prelude::*;

    #[test]
    fn a_cursor_that_is_not_ours_is_refused() {
        assert!(Spot::of(Some("x/1/")).is_err());
        assert!(Spot::of(Some("1")).is_err());
        assert!(part(Some(&Cursor("nowhere".into())), "first").is_err());
    }

    #[test]
    fn a_page_ends_where_it_becomes_heavy_and_takes_any_first_record() {
        let issue = |n_bytes| {
            let body = Some(Text::new("x".repeat(n_bytes), Markup::Github));
            Record::new("1", Object::Issue(Issue { body, ..Issue::default() }))
        };
        let mut filling = Filling::default();

        assert!(filling.take(issue(3 << 20)));
        assert!(!filling.take(issue(0)) || filling.records.len() == 2);
        assert!(!filling.take(issue(1)));
    }

    proptest! {
        #[test]
        fn a_spot_comes_back_from_its_cursor(
            page in proptest::option::of("[!-~]{1,60}"),
            parent in 0..10_000_usize,
            child in 0..10_000_usize,
        ) {
            let spot = Spot { page, parent, child };

            prop_assert_eq!(Spot::of(Some(&spot.text())).unwrap(), spot);
        }

        #[test]
        fn no_cursor_makes_the_reader_panic(text in "\\PC{0,60}") {
            drop(Spot::of(Some(&text)));
        }
    }
}
