//! Every identity in an object, kind by kind.
//!
//! The match is exhaustive, so that a new kind cannot bring identities past the
//! users map; a test holds the list of fields against what records serialise.

use packhorse_core::{
    Object,
    model::{Grantee, Identity},
};

/// Declares one walk; the two differ only in whether they may change what they see.
macro_rules! walk {
    ($(#[$doc:meta])* $name:ident, $person:ident, $iter:ident $(, $mutable:tt)?) => {
        $(#[$doc])*
        pub fn $name(object: &$($mutable)? Object) -> Vec<&$($mutable)? Identity> {
            match object {
                Object::User(it) => vec![&$($mutable)? it.identity],
                Object::Member(it) => $person(&$($mutable)? it.grantee).into_iter().collect(),
                Object::Milestone(it) => it.author.$iter().collect(),
                Object::Attachment(it) => it.author.$iter().collect(),
                Object::Issue(it) => {
                    it.author.$iter().chain(it.assignees.$iter()).chain(it.closed_by.$iter()).collect()
                }
                Object::ChangeRequest(it) => (it.author.$iter())
                    .chain(it.base.owner.$iter())
                    .chain(it.head.owner.$iter())
                    .chain(it.assignees.$iter())
                    .chain(it.review_requests.$iter().filter_map(|it| $person(&$($mutable)? it.reviewer)))
                    .chain(it.closes.$iter().flat_map(|it| it.author.$iter()))
                    .chain(it.merged_by.$iter())
                    .chain(it.closed_by.$iter())
                    .collect(),
                Object::Review(it) => it.author.$iter().collect(),
                Object::ReviewThread(it) => it.resolver.$iter().collect(),
                Object::ReviewComment(it) => it.author.$iter().collect(),
                Object::Discussion(it) => it.author.$iter().collect(),
                Object::Snippet(it) => it.author.$iter().collect(),
                Object::CommitComment(it) => it.author.$iter().collect(),
                Object::Comment(it) => it.author.$iter().chain(it.resolver.$iter()).collect(),
                Object::Reaction(it) => it.author.$iter().collect(),
                Object::Event(it) => it.actor.$iter().chain(it.target.$iter()).collect(),
                Object::CommitStatus(it) => it.author.$iter().collect(),
                Object::Release(it) => it.author.$iter().collect(),
                Object::ReleaseAsset(it) => it.author.$iter().collect(),
                Object::BranchRule(it) => (it.author.$iter())
                    .chain(it.pushers.$iter().filter_map($person))
                    .chain(it.mergers.$iter().filter_map($person))
                    .chain(it.dismissers.$iter().filter_map($person))
                    .collect(),
                Object::TagRule(it) => it.creators.$iter().filter_map($person).collect(),
                Object::State(it) => it.author.$iter().collect(),
                Object::Organization(_)
                | Object::Team(_)
                | Object::Project(_)
                | Object::Topic(_)
                | Object::LfsObject(_)
                | Object::Repository(_)
                | Object::Wiki(_)
                | Object::Label(_)
                | Object::DiscussionCategory(_)
                | Object::Board(_)
                | Object::Webhook(_)
                | Object::DeployKey(_)
                | Object::Variable(_) => Vec::new(),
            }
        }

        fn $person(grantee: &$($mutable)? Grantee) -> Option<&$($mutable)? Identity> {
            match grantee {
                Grantee::User(identity) => Some(identity),
                Grantee::Team { .. } | Grantee::Group(_) => None,
            }
        }
    };
}

walk! {
    /// Every identity that an object names.
    identities, person, iter
}

walk! {
    /// Every identity that an object names, to be changed.
    identities_mut, person_mut, iter_mut, mut
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{fingerprint, model::*};
    use serde_json::Value;

    fn somebody() -> Option<Identity> {
        Some(Identity::login("somebody", None))
    }

    /// Objects of the kinds that name people, with somebody in every place.
    fn full() -> Vec<Object> {
        let who = somebody().unwrap_or_default();
        let grantee = Grantee::User(who.clone());
        let branch = Branch { owner: somebody(), ..Branch::default() };
        vec![
            Object::from(User { identity: who.clone(), ..User::default() }),
            Object::from(Member { grantee: grantee.clone(), ..Member::default() }),
            Object::from(Issue {
                author: somebody(),
                assignees: vec![who.clone(), who.clone()],
                closed_by: somebody(),
                ..Issue::default()
            }),
            Object::from(ChangeRequest {
                author: somebody(),
                base: branch.clone(),
                head: branch,
                assignees: vec![who],
                review_requests: vec![ReviewRequest {
                    reviewer: grantee.clone(),
                    ..ReviewRequest::default()
                }],
                closes: vec![CloseReference { author: somebody(), ..CloseReference::default() }],
                merged_by: somebody(),
                closed_by: somebody(),
                ..ChangeRequest::default()
            }),
            Object::from(Comment {
                author: somebody(),
                resolver: somebody(),
                ..Comment::default()
            }),
            Object::from(ReviewThread { resolver: somebody(), ..ReviewThread::default() }),
            Object::from(Event { actor: somebody(), target: somebody(), ..Event::default() }),
            Object::from(BranchRule {
                author: somebody(),
                pushers: vec![grantee.clone()],
                mergers: vec![grantee.clone()],
                dismissers: vec![grantee.clone()],
                ..BranchRule::default()
            }),
            Object::from(TagRule { creators: vec![grantee], ..TagRule::default() }),
        ]
    }

    fn logins(value: &Value) -> usize {
        match value {
            Value::Object(fields) => {
                usize::from(fields.contains_key("login"))
                    + fields.values().map(logins).sum::<usize>()
            }
            Value::Array(list) => list.iter().map(logins).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    #[test]
    fn no_identity_is_passed_by() {
        for mut object in full() {
            let json: Value = serde_json::from_slice(&fingerprint::exact(&object)).unwrap();

            let (seen, changeable) = (identities(&object).len(), identities_mut(&mut object).len());

            assert_eq!((seen, changeable), (logins(&json), logins(&json)), "{}", object.kind());
        }
    }
}
