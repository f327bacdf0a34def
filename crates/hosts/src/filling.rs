//! How much a page of records takes.

use packhorse_core::{Object, Record, model::Text};

/// Records that make a page full.
pub(crate) const FULL: usize = 500;
/// What the texts of a page may weigh together, in bytes.
const MAX_WEIGHT: usize = 1 << 20;

/// A page of records being filled.
#[derive(Default)]
pub(crate) struct Filling {
    pub(crate) records: Vec<Record>,
    weight: usize,
}

impl Filling {
    /// Takes a record, unless the page is full; a page takes any first record.
    pub(crate) fn take(&mut self, record: Record) -> bool {
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

    #[test]
    fn a_page_ends_where_it_becomes_heavy_and_takes_any_first_record() {
        let issue = |n_bytes| {
            let body = Some(Text::new("x".repeat(n_bytes), Markup::Github));
            Record::new("1", Object::from(Issue { body, ..Issue::default() }))
        };
        let mut filling = Filling::default();

        assert!(filling.take(issue(3 << 20)));
        assert!(!filling.take(issue(0)) || filling.records.len() == 2);
        assert!(!filling.take(issue(1)));
    }
}
