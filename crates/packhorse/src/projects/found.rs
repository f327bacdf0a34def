//! What a full check found of each project, in words.

use packhorse_engine::verify::{Finding, Verification, What};
use std::collections::BTreeMap;

/// Findings that are told of one project.
const MAX_TOLD: usize = 5;

/// What is not as it should be, by the project's path; what is there beyond it does not count.
pub(super) fn by_project(found: &Verification) -> BTreeMap<&str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in found.findings.iter().filter(|it| it.what != What::Extra) {
        // A project's own record stands beside all projects, under its path.
        let path = finding.scope.project().unwrap_or(&finding.id);
        let told = all.entry(path).or_default();
        if told.len() < MAX_TOLD {
            told.push(words(finding));
        }
    }
    all
}

fn words(finding: &Finding) -> String {
    let Finding { kind, id, what, .. } = finding;
    let is_own = finding.scope.project().is_none_or(|path| path == id);
    let subject = if is_own { kind.to_string() } else { format!("{kind} {id}") };
    match what {
        What::Different { fields, note } => {
            let fields = fields
                .iter()
                .map(|it| format!("{} is {} and not {}", it.field, it.found, it.expected));
            let told: Vec<_> = fields.chain(note.clone()).collect();
            format!("{subject}: {}", told.join(", "))
        }
        What::Corrupt { detail } => format!("{subject}: {detail}"),
        What::Missing | What::Extra | What::Doubled => format!("{subject} is {}", what.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{ObjectKind, Scope};

    #[test]
    fn findings_are_told_with_their_project() {
        let finding =
            |scope: Scope, kind, id: &str, what| Finding { scope, kind, id: id.to_owned(), what };
        let project = || Scope::Project("a/p".to_owned());
        let note = |text: &str| What::Different { fields: vec![], note: Some(text.to_owned()) };
        let found = Verification {
            findings: vec![
                finding(Scope::Shared, ObjectKind::Project, "a/p", note("is public")),
                finding(project(), ObjectKind::Member, "bob", What::Missing),
                finding(project(), ObjectKind::Member, "zoe", What::Extra),
            ],
            ..Verification::default()
        };

        let told = by_project(&found);

        assert_eq!(told["a/p"], ["project: is public", "member bob is missing"]);
        assert_eq!(told.len(), 1);
    }
}
