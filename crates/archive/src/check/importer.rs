//! What importers take, in words.

use packhorse_core::{Limits, Object, authored::marked_up};

/// Longest name of a ref, in bytes.
///
/// Source: GitHub, "About migrations between GitHub products", "Limitations on migrated data";
/// Git's own servers write refs as files, whose names most file systems bound at the same.
const MAX_REF_BYTES: usize = 255;

/// What of an object is longer than importers take.
pub(super) fn exceeded(limits: &Limits, object: &Object) -> Vec<String> {
    let mut told = Vec::new();
    let mut chars = |what: &str, text: &str, limit: Option<usize>| {
        let n = text.chars().count();
        if let Some(limit) = limit.filter(|it| n > *it) {
            told.push(format!("{what} has {n} characters, importers take {limit}"));
        }
    };
    if let Object::Issue(it) = object {
        chars("its title", &it.title, limits.title_chars);
    } else if let Object::ChangeRequest(it) = object {
        chars("its title", &it.title, limits.title_chars);
    } else if let Object::Label(it) = object {
        chars("its name", &it.name, limits.label_name_chars);
    } else if let Object::Topic(it) = object {
        chars("its name", &it.name, limits.topic_chars);
    } else if let Object::Project(it) = object {
        let description = it.description.as_deref().unwrap_or_default();
        chars("its description", description, limits.project_description_chars);
    }
    if let Some(limit) = limits.body_bytes
        && let Some((field, text)) = marked_up(&mut object.clone())
    {
        let n = text.as_str().len();
        if n > limit {
            told.push(format!("its {field} has {n} bytes, importers take {limit}"));
        }
    }
    told
}

/// What is wrong with the name of a ref.
pub(super) fn ref_name(name: &str) -> Option<String> {
    let n = name.len();
    let start: String = name.chars().take(60).collect();
    (n > MAX_REF_BYTES)
        .then(|| format!("the name of `{start}…` has {n} bytes, importers take {MAX_REF_BYTES}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Issue, Text};

    #[test]
    fn what_is_too_long_is_told() {
        let limits = Limits { title_chars: Some(3), body_bytes: Some(3), ..Limits::default() };
        let issue = |title: &str, body: &str| {
            let body = Some(Text::new(body.to_owned(), packhorse_core::model::Markup::Plain));
            Object::from(Issue { title: title.to_owned(), body, ..Issue::default() })
        };

        assert_eq!(exceeded(&limits, &issue("äöü", "abc")), [""; 0]);
        assert_eq!(exceeded(&limits, &issue("äöüx", "abcd")).len(), 2);
        assert_eq!(ref_name("refs/heads/main"), None);
        assert!(ref_name(&format!("refs/heads/{}", "x".repeat(300))).is_some());
    }
}
