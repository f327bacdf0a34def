//! The record files of the archive: `<plural>_NNNNNN.json`, and what each can hold.

use super::wire::{self, Shape, Wire};
use packhorse_core::ObjectKind;

/// Declares the plurals: name, record type, and the kinds that a record can give.
macro_rules! plurals {
    ($($(#[$meta:meta])* $Plural:ident = $name:literal, $Wire:ident, [$($Kind:ident),+];)+) => {
        /// A sort of record file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum Plural { $($(#[$meta])* $Plural,)+ }

        /// A record of the archive.
        #[derive(Debug)]
        pub(super) enum Parsed { $($(#[$meta])* $Plural(Box<wire::$Wire>),)+ }

        impl Plural {
            /// All sorts.
            pub(super) const ALL: &'static [Self] = &[$(Self::$Plural),+];

            /// Name in file names.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$Plural => $name),+ }
            }

            /// The keys of its records.
            pub(super) const fn shape(self) -> &'static Shape {
                match self { $(Self::$Plural => &<wire::$Wire as Wire>::SHAPE),+ }
            }

            /// The kinds that one of its records can give.
            pub(super) const fn kinds(self) -> &'static [ObjectKind] {
                match self { $(Self::$Plural => &[$(ObjectKind::$Kind),+]),+ }
            }

            /// Reads a record.
            pub(super) fn parse(self, json: &str) -> Result<Parsed, serde_json::Error> {
                Ok(match self {
                    $(Self::$Plural => Parsed::$Plural(serde_json::from_str(json)?)),+
                })
            }
        }
    };
}

plurals! {
    /// People.
    Users = "users", User, [User];
    /// Programs.
    Bots = "bots", User, [User];
    /// Organizations.
    Organizations = "organizations", Organization, [Organization, Member];
    /// Teams.
    Teams = "teams", Team, [Team, Member];
    /// Repositories.
    Repositories = "repositories", Repository,
        [Project, Label, Member, Webhook, DeployKey, Topic, State];
    /// Milestones.
    Milestones = "milestones", Milestone, [Milestone];
    /// Issues.
    Issues = "issues", Issue, [Issue, Reaction];
    /// Pull requests.
    PullRequests = "pull_requests", PullRequest, [ChangeRequest, Reaction];
    /// Reviews.
    Reviews = "pull_request_reviews", Review, [Review, Reaction];
    /// Threads of review comments.
    Threads = "pull_request_review_threads", ReviewThread, [ReviewThread];
    /// Review comments.
    ReviewComments = "pull_request_review_comments", ReviewComment, [ReviewComment, Reaction];
    /// Categories of discussions.
    Categories = "discussion_categories", DiscussionCategory, [DiscussionCategory];
    /// Discussions.
    Discussions = "discussions", Discussion, [Discussion, Reaction];
    /// Comments on commits.
    CommitComments = "commit_comments", CommitComment, [CommitComment, Reaction];
    /// Comments on issues and pull requests.
    IssueComments = "issue_comments", IssueComment, [Comment, Reaction];
    /// Comments on discussions.
    DiscussionComments = "discussion_comments", DiscussionComment, [Comment, Reaction];
    /// Events.
    IssueEvents = "issue_events", IssueEvent, [Event];
    /// Releases.
    Releases = "releases", Release, [Release, ReleaseAsset];
    /// Protected branches.
    ProtectedBranches = "protected_branches", ProtectedBranch, [BranchRule];
    /// Attachments.
    Attachments = "attachments", Attachment, [Attachment];
}

impl Plural {
    /// The sorts that can hold records of a kind, beside all projects or in one.
    pub(super) fn holding(kind: ObjectKind, is_shared: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| {
            it.kinds().contains(&kind)
                && (it.is_shared() == is_shared || kind == ObjectKind::Project)
        })
    }

    /// Whether its records stand beside all projects.
    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::Users | Self::Bots | Self::Organizations | Self::Teams)
    }

    /// Whether its records have numbers, by which lanes are ordered.
    pub(super) const fn is_numbered(self) -> bool {
        matches!(self, Self::Issues | Self::PullRequests)
    }

    /// Name of its file of that number.
    ///
    /// Source: genuine exports; six digits, from 000001.
    pub(super) fn file(self, number: u32) -> String {
        format!("{}_{number:06}.json", self.name())
    }
}

/// What a member's name says of a record file: its plural and its number.
pub(super) fn record_file(name: &str) -> Option<(&str, u32)> {
    let (plural, number) = name.strip_suffix(".json")?.rsplit_once('_')?;
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    let is_word = !plural.is_empty() && !plural.contains('/');
    (is_number && is_word).then(|| Some((plural, number.parse().ok()?))).flatten()
}

/// The sort of that name.
pub(super) fn named(name: &str) -> Option<Plural> {
    Plural::ALL.iter().copied().find(|it| it.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_says_what_is_in_it() {
        assert_eq!(
            record_file("pull_request_reviews_000012.json"),
            Some(("pull_request_reviews", 12))
        );
        assert_eq!(record_file("schema.json"), None);
        assert_eq!(record_file("issues_00x.json"), None);
        assert_eq!(record_file("a/issues_000001.json"), None);
        assert_eq!(record_file("issues_99999999999.json"), None);
    }

    #[test]
    fn a_sort_is_found_by_its_name() {
        for &plural in Plural::ALL {
            assert_eq!(named(plural.name()), Some(plural));
        }
        assert_eq!(named("projects"), None);
    }
}
