//! What neither Bitbucket can hold of what is written to it.

use packhorse_core::Gap;

/// What both cannot hold, and what one of them cannot besides.
///
/// It does not compile where `N` is not how many these are.
pub(crate) const fn and<const N: usize>(both: &[Gap], one: &[Gap]) -> [Gap; N] {
    assert!(N == both.len() + one.len(), "N is not how many gaps there are");
    let mut all = [Gap { field: "", why: "" }; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < both.len() { both[at] } else { one[at - both.len()] };
        at += 1;
    }
    all
}

pub(crate) const PROJECT: &[Gap] = &[
    Gap { field: "visibility", why: "internal becomes private" },
    Gap { field: "forked_from", why: "it is made on its own" },
    Gap { field: "features", why: "only forking can be switched" },
    Gap { field: "security", why: "there is no equal of it" },
    Gap { field: "automation", why: "there is no equal of it" },
    Gap { field: "autolinks", why: "there is no equal of them" },
    Gap { field: "pages", why: "there is no equal of it" },
];

pub(crate) const MEMBER: &[Gap] = &[
    Gap { field: "pending", why: "what was not accepted yet is left out" },
    Gap { field: "expires_at", why: "a right that ends at a time is left out" },
    Gap { field: "role", why: "becomes the next lower of read, write and admin" },
    Gap { field: "created_at", why: "the API does not tell it" },
];

pub(crate) const CHANGE_REQUEST: &[Gap] = &[
    Gap { field: "assignees", why: "change requests have none" },
    Gap { field: "labels", why: "change requests have none" },
    Gap { field: "milestone", why: "change requests have none" },
    Gap { field: "closes", why: "there are no issues" },
    Gap {
        field: "base",
        why: "what is merged, or has lost its branches, is between branches of ours",
    },
    Gap {
        field: "head",
        why: "what is merged, or has lost its branches, is between branches of ours",
    },
    Gap { field: "merge_commit", why: "a merged one is merged once more, away from all branches" },
    Gap { field: "squash_commit", why: "there is no such field" },
    Gap { field: "squash", why: "chosen when it is merged" },
    Gap { field: "maintainers_may_push", why: "there is no such field" },
];

/// A verdict is its giver's alone.
pub(crate) const REVIEW: &[Gap] =
    &[Gap { field: "verdict", why: "becomes the first line of a comment" }];

pub(crate) const THREAD: &[Gap] = &[
    Gap { field: "review", why: "threads stand on their own" },
    Gap { field: "outdated", why: "the host works it out" },
];

pub(crate) const REVIEW_COMMENT: &[Gap] = &[
    Gap { field: "review", why: "threads stand on their own" },
    Gap { field: "position", why: "it is the thread's" },
    Gap { field: "kind", why: "one without a place becomes a comment on the change request" },
    Gap { field: "reply_to", why: "a thread's comments answer its first" },
    Gap { field: "pending", why: "what was not handed in is left out" },
];

pub(crate) const COMMENT: &[Gap] = &[
    Gap { field: "internal", why: "what only members saw is left out" },
    Gap { field: "subject", why: "only change requests have comments" },
];

pub(crate) const BRANCH_RULE: &[Gap] = &[
    Gap { field: "author", why: "the API does not tell it" },
    Gap { field: "admins_bound", why: "everybody is bound" },
    Gap { field: "required_checks", why: "builds are counted and not named" },
    Gap { field: "code_owner_review", why: "there is no such check" },
    Gap { field: "restrict_dismissal", why: "there is no such check" },
    Gap { field: "dismissers", why: "there is no such check" },
    Gap { field: "linear_history", why: "chosen by the ways of merging" },
];

pub(crate) const WEBHOOK: &[Gap] = &[
    Gap { field: "active", why: "arrives switched off" },
    Gap { field: "has_secret", why: "secrets are entered again" },
    Gap { field: "events", why: "are told in the words of this host" },
    Gap { field: "branch_filter", why: "hooks have none" },
    Gap { field: "content_type", why: "hooks send JSON" },
    Gap { field: "created_at", why: "the host sets it" },
];

pub(crate) const DEPLOY_KEY: &[Gap] = &[
    Gap { field: "created_at", why: "the host sets it" },
    Gap { field: "key_fingerprint", why: "the host works it out" },
    Gap { field: "expires_at", why: "a key that ends at a time is left out" },
];
