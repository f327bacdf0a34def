//! Gaps that follow from what a destination says of all its records.

use crate::transform::links::{UNRESOLVED, signs_differ};
use packhorse_core::{Capabilities, LossCause, Object, ObjectKind, plan::PlannedGap};
use packhorse_git::RefPolicy;

/// Field of the losses that refs are which hosts make themselves.
pub(crate) const HIDDEN_REFS: &str = "refs.hidden";

/// Gaps of a kind that follow from limits, from what is kept of every record, and from the
/// refs that travel.
pub(super) fn derived(
    kind: ObjectKind,
    (source, sink): (&Capabilities, &Capabilities),
    policy: &RefPolicy,
) -> Vec<PlannedGap> {
    let mut gaps = Vec::new();
    let mut add = |field: &str, cause, why: String| {
        gaps.push(PlannedGap { field: field.to_owned(), cause, why });
    };
    if matches!(kind, ObjectKind::Repository | ObjectKind::Wiki) {
        if !policy.is_mirror() {
            let why = "refs that hosts make themselves stay behind, such as `refs/pull/*`";
            add(HIDDEN_REFS, LossCause::Policy, why.to_owned());
        }
        return gaps;
    }
    if is_signed(kind) {
        let line = "stands in a line above the text, where there is one";
        if !sink.keeps.authors {
            add("author", LossCause::Sink, line.to_owned());
        }
        if !sink.keeps.times {
            add("created_at", LossCause::Sink, line.to_owned());
        }
    }
    if text_field(kind).is_some() && leads_references(source, sink) {
        let why = "references to what has no number yet are led there afterwards";
        add(UNRESOLVED, LossCause::Policy, why.to_owned());
    }
    for (field, limit, unit) in limits(kind, sink) {
        add(field, LossCause::Sink, format!("is cut beyond {limit} {unit}"));
    }
    if kind == ObjectKind::Label && sink.limits.label_color_hex {
        add("color", LossCause::Sink, "becomes six hexadecimal digits".to_owned());
    }
    gaps
}

/// Fields of a kind that are cut, with the limit.
fn limits(
    kind: ObjectKind,
    sink: &Capabilities,
) -> impl Iterator<Item = (&'static str, usize, &'static str)> {
    let limits = &sink.limits;
    let chars = "characters";
    let of_kind = if kind == ObjectKind::Label {
        [("name", limits.label_name_chars), ("description", limits.label_description_chars)]
    } else if kind == ObjectKind::Topic {
        [("name", limits.topic_chars), ("", None)]
    } else if kind == ObjectKind::Project {
        [("description", limits.project_description_chars), ("", None)]
    } else if matches!(kind, ObjectKind::Issue | ObjectKind::ChangeRequest) {
        [("title", limits.title_chars), ("", None)]
    } else {
        [("", None), ("", None)]
    };
    let body = text_field(kind).zip(limits.body_bytes).map(|(field, n)| (field, n, "bytes"));
    let lines = of_kind.into_iter().filter_map(move |(field, n)| Some((field, n?, chars)));
    lines.chain(body)
}

/// Whether references in texts have to be led to what their objects became: numbers are others, or
/// one of both ends may write those to change requests with another sign.
fn leads_references(source: &Capabilities, sink: &Capabilities) -> bool {
    let differ = |to| source.markup.is_none_or(|from| signs_differ(from, to));
    !sink.keeps.numbers || sink.markup.is_some_and(differ)
}

/// Field of a kind that holds what people wrote at length.
fn text_field(kind: ObjectKind) -> Option<&'static str> {
    if matches!(kind, ObjectKind::Label | ObjectKind::Milestone | ObjectKind::Snippet) {
        return Some("description");
    }
    has_field(kind, "body").then_some("body")
}

/// Whether somebody signs records of a kind.
fn is_signed(kind: ObjectKind) -> bool {
    kind == ObjectKind::Event || (kind != ObjectKind::State && has_field(kind, "author"))
}

/// Whether the model has a field of that name.
fn has_field(kind: ObjectKind, field: &str) -> bool {
    let blank = Object::from_fields(kind, b"{}").ok();
    let fields = blank.and_then(|it| it.fields(serde_json::value::Serializer).ok());
    fields.is_some_and(|it| it.get(field).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{Keeps, Support, model::Markup};

    fn fields(kind: ObjectKind, change: impl FnOnce(&mut Capabilities)) -> Vec<String> {
        let source = Capabilities::promised(|_| Support::Full, "test");
        let mut sink = source.clone();
        change(&mut sink);
        let gaps = derived(kind, (&source, &sink), &RefPolicy::MIRROR);
        gaps.into_iter().map(|it| it.field).collect()
    }

    #[test]
    fn a_destination_that_keeps_everything_has_no_gaps() {
        for &kind in ObjectKind::ALL {
            assert_eq!(fields(kind, |_| {}), [""; 0], "{kind}");
        }
    }

    #[test]
    fn what_is_not_kept_is_a_gap_of_what_people_sign() {
        let keeps = Keeps { authors: false, times: false, numbers: true };

        assert_eq!(fields(ObjectKind::Issue, |it| it.keeps = keeps), ["author", "created_at"]);
        assert_eq!(fields(ObjectKind::Event, |it| it.keeps = keeps), ["author", "created_at"]);
        assert_eq!(fields(ObjectKind::Label, |it| it.keeps = keeps), [""; 0]);
    }

    #[test]
    fn limits_are_gaps_of_the_fields_they_cut() {
        let bounded = |it: &mut Capabilities| {
            it.limits.title_chars = Some(9);
            it.limits.body_bytes = Some(9);
        };

        assert_eq!(fields(ObjectKind::Issue, bounded), ["title", "body"]);
        assert_eq!(fields(ObjectKind::Snippet, bounded), ["description"]);
        assert_eq!(fields(ObjectKind::User, bounded), [""; 0]);
    }

    #[test]
    fn references_are_a_gap_where_signs_may_differ() {
        let gitlabs = |it: &mut Capabilities| it.markup = Some(Markup::Gitlab);

        assert_eq!(fields(ObjectKind::Label, gitlabs), [UNRESOLVED]);
        assert_eq!(fields(ObjectKind::Topic, gitlabs), [""; 0]);
    }

    #[test]
    fn hidden_refs_are_a_gap_where_they_do_not_travel() {
        let sink = Capabilities::promised(|_| Support::Full, "test");

        let gaps =
            derived(ObjectKind::Repository, (&sink, &sink), &RefPolicy::between("a", "gitea"));

        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].field, HIDDEN_REFS);
    }
}
