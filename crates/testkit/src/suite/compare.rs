//! Whether what was read back is what was written, but for what was promised to be lost.

use packhorse_core::{
    Keeps, Loss, Object, Support,
    fingerprint::{Difference, differences},
};

/// Fields that say who.
const AUTHORS: &[&str] = &["author", "actor", "closed_by", "merged_by", "resolver", "assignees"];

/// Fields that hold numbers of issues and change requests.
const NUMBERS: &[&str] = &["number", "change_request", "milestone", "subject"];

/// What may differ in one record.
pub(super) struct Allowed<'a> {
    pub(super) support: Support,
    pub(super) keeps: Keeps,
    pub(super) losses: &'a [Loss],
    /// Whether texts are shown in a markup of the host's own, which the engine puts them into.
    pub(super) has_markup: bool,
}

impl Allowed<'_> {
    fn allows(&self, difference: &Difference) -> bool {
        let field = difference.field.as_str();
        let within = |name: &str| {
            name == Loss::WHOLE
                || field == name
                || field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
                || name.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
        };
        self.support.gaps().iter().any(|gap| within(gap.field))
            || self.losses.iter().any(|loss| within(&loss.field))
            || (self.has_markup && field.ends_with(".markup"))
            || (!self.keeps.authors && AUTHORS.iter().any(|it| within(it)))
            || (!self.keeps.times && field.ends_with("_at"))
            || (!self.keeps.numbers && NUMBERS.iter().any(|it| within(it)))
    }

    /// The differences that nobody announced.
    pub(super) fn surprises(&self, expected: &Object, found: &Object) -> Vec<Difference> {
        let all = differences(expected, found);
        all.into_iter().filter(|it| !self.allows(it)).collect()
    }
}
