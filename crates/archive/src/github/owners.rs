//! Which project a record belongs to.

use super::{
    address::{Address, is_number},
    expand::places,
    plural::Parsed,
};

/// Tells projects by the addresses in records.
///
/// Most records follow another of their project, and the address of what they belong to differs
/// from that one's in its number alone: such an address is not taken apart again.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// What told the last project, unless that was the record's own address.
    clue: Option<(Clue, String)>,
    project: String,
}

/// What tells a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clue {
    /// The address of the project itself.
    Own,
    /// What stands before the number in the address of something in the project.
    Within,
}

impl Owners {
    /// Path of the project that a record belongs to.
    pub(super) fn of(&mut self, parsed: &Parsed) -> Option<&str> {
        let (own, parent, url) = places(parsed);
        let clue = clue(own, parent);
        let is_same = |(kind, text): &(Clue, String)| clue == Some((*kind, text));
        if self.clue.as_ref().is_some_and(is_same) {
            return Some(&self.project);
        }
        let told = match own {
            Some(own) => Address::of(own).project(),
            None => parent.and_then(|it| Address::of(it).owning_project()),
        };
        self.clue = clue.filter(|_| told.is_some()).map(|(kind, text)| (kind, text.to_owned()));
        self.project = told
            .or_else(|| parent.and_then(|it| Address::of(it).owning_project()))
            .or_else(|| Address::of(url).owning_project())?;
        Some(&self.project)
    }
}

fn clue<'a>(own: Option<&'a str>, parent: Option<&'a str>) -> Option<(Clue, &'a str)> {
    match own {
        Some(own) => Some((Clue::Own, own)),
        None => {
            let (before, number) = parent?.rsplit_once('/')?;
            is_number(number).then_some((Clue::Within, before))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plural::Plural, *};

    /// The project of each record, told by one after the other.
    #[track_caller]
    fn check(records: &[(Plural, &str, Option<&str>)]) {
        let mut owners = Owners::default();
        for (plural, json, expected) in records {
            let parsed = plural.parse(json).unwrap();

            assert_eq!(owners.of(&parsed), *expected, "{json}");
        }
    }

    #[test]
    fn a_record_is_told_by_what_it_belongs_to_else_by_its_own_address() {
        const COMMENTS: Plural = Plural::IssueComments;
        const A: &str = "https://h.example/o/a";
        let comment = |issue: &str, url: &str| {
            format!(r#"{{"type":"issue_comment","url":"{url}","issue":"{issue}"}}"#)
        };
        let records = [
            (comment(&format!("{A}/issues/1"), A), Some("o/a")),
            (comment(&format!("{A}/issues/2"), A), Some("o/a")),
            (comment("https://h.example/o/b/issues/2", A), Some("o/b")),
            (comment(&format!("{A}/issues/x"), &format!("{A}/issues/3#c")), Some("o/a")),
            (comment("nothing/7", "https://h.example/o/c/issues/3#c"), Some("o/c")),
            (comment("nothing/8", "https://h.example/o/d/issues/3#c"), Some("o/d")),
            (comment("nothing/8", "nothing"), None),
            (comment(&format!("{A}/issues/1"), A), Some("o/a")),
        ];
        let records: Vec<_> =
            records.iter().map(|(json, expected)| (COMMENTS, json.as_str(), *expected)).collect();

        check(&records);
    }
}
