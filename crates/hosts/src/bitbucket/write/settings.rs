//! Hooks, keys and what builds said.

use packhorse_core::{
    Loss,
    model::{CommitState, Webhook},
};
use std::collections::BTreeSet;

/// The words of a host for what hooks listen to.
pub(crate) struct Events {
    /// All of them.
    pub(crate) own: &'static [&'static str],
    /// Those for a word of another host; `None` where there are none.
    pub(crate) of: fn(&str) -> Option<&'static [&'static str]>,
    /// The one that stands in where nothing else is left, for a hook must listen to something.
    pub(crate) least: &'static str,
}

impl Events {
    /// The host's words for those of any host, and those that it has no word for.
    fn words<'a>(&self, words: &'a [String]) -> (BTreeSet<&'static str>, Vec<&'a str>) {
        let (mut known, mut unknown) = (BTreeSet::new(), Vec::new());
        for word in words {
            let own = self.own.iter().find(|it| **it == word.as_str());
            match own.map(std::slice::from_ref).or_else(|| (self.of)(word)) {
                Some(events) => known.extend(events),
                None => unknown.push(word.as_str()),
            }
        }
        (known, unknown)
    }

    /// What a hook listens to here, and what is lost of it; `called` says what one without a name
    /// is called as.
    pub(crate) fn hook(&self, it: &Webhook, called: &str) -> (BTreeSet<&'static str>, Vec<Loss>) {
        let mut losses = vec![Loss::policy("active", "arrives switched off; look at it first")];
        if it.has_secret != Some(false) {
            losses.push(Loss::sink("has_secret", "enter the secret again, where there was one"));
        }
        if it.name.is_none() {
            losses.push(Loss::sink("name", format!("it had none, and is called as {called}")));
        }
        if it.branch_filter.is_some() {
            losses.push(Loss::sink("branch_filter", "it listens to all branches"));
        }
        let (mut known, unknown) = self.words(&it.events);
        if !unknown.is_empty() {
            let detail = format!("there is no such event here: {}", unknown.join(", "));
            losses.push(Loss::sink("events", detail));
        }
        if known.is_empty() {
            known.insert(self.least);
        }
        (known, losses)
    }
}

/// Whether a hook that is there is the one that is meant.
pub(crate) fn is_hook(it: &Webhook, url: Option<&str>, name: Option<&str>) -> bool {
    url == Some(it.url.as_str()) && (it.name.is_none() || name == it.name.as_deref())
}

/// A public key without the words behind it, which are not a part of it.
pub(crate) fn essence(key: &str) -> String {
    key.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// The word for what a build said, and what is lost by it; `stopped` is the word for one that
/// came to no end.
pub(crate) fn build_state(
    state: CommitState,
    stopped: &'static str,
) -> (&'static str, Option<Loss>) {
    let told =
        |word, detail: &str| (word, Some(Loss::sink("state", format!("it is told as {detail}"))));
    match state {
        CommitState::Success => ("SUCCESSFUL", None),
        CommitState::Failure => ("FAILED", None),
        CommitState::Running => ("INPROGRESS", None),
        CommitState::Pending => told("INPROGRESS", "running"),
        CommitState::Error => told("FAILED", "failed"),
        CommitState::Cancelled => (stopped, None),
        CommitState::Skipped => told(stopped, &stopped.to_lowercase()),
    }
}

/// The address that a status leads to: the repository's page where it had none.
pub(crate) fn leads_to<'a>(
    target: Option<&'a str>,
    page: &'a str,
    losses: &mut Vec<Loss>,
) -> &'a str {
    target.unwrap_or_else(|| {
        let detail = "leads to the repository, for it must lead somewhere";
        losses.push(Loss::sink("target_url", detail));
        page
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_words_here_or_are_told() {
        fn of(word: &str) -> Option<&'static [&'static str]> {
            (word == "push").then_some(&["repo:push"])
        }
        let events = Events { own: &["repo:push", "repo:fork"], of, least: "repo:push" };
        let of = |words: &[&str]| {
            let events_of = words.iter().map(|it| (*it).to_owned()).collect();
            let hook = Webhook { events: events_of, ..Webhook::default() };
            let (known, losses) = events.hook(&hook, "its host");
            (known.into_iter().collect::<Vec<_>>(), losses.iter().any(|it| it.field == "events"))
        };

        assert_eq!(of(&["push", "repo:fork"]), (vec!["repo:fork", "repo:push"], false));
        assert_eq!(of(&["issues", "repo:fork"]), (vec!["repo:fork"], true));
        assert_eq!(of(&[]), (vec!["repo:push"], false));
    }
}
