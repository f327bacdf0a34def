//! What a bare repository can hold: commits and refs, and what its URL says.

use packhorse_core::{Gap, ObjectKind, Support};

/// What can be read from it.
pub(super) fn reads(kind: ObjectKind) -> Support {
    // What it cannot hold it does not have either, so nothing is lost in reading.
    if kind == ObjectKind::Project { Support::Full } else { holds(kind) }
}

/// What can be written to it.
pub(super) fn writes(kind: ObjectKind) -> Support {
    holds(kind)
}

const NO_PEOPLE: Support = Support::None("a bare repository knows no accounts");
const NO_TALK: Support = Support::None("a bare repository holds commits and refs alone");
const NO_SETTINGS: Support = Support::None("a bare repository has no settings of a project");
const NO_FILES: Support = Support::None("a bare repository holds no files beside its commits");

fn holds(kind: ObjectKind) -> Support {
    match kind {
        ObjectKind::Repository => Support::Full,
        ObjectKind::Project => Support::Partial(GAPS),
        ObjectKind::Wiki => Support::None("the wiki is another repository, with its own URL"),
        ObjectKind::LfsObject => Support::WithGit,
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Team | ObjectKind::Member => {
            NO_PEOPLE
        }
        ObjectKind::Attachment | ObjectKind::ReleaseAsset => NO_FILES,
        ObjectKind::Topic
        | ObjectKind::Board
        | ObjectKind::BranchRule
        | ObjectKind::TagRule
        | ObjectKind::Webhook
        | ObjectKind::DeployKey
        | ObjectKind::Variable
        | ObjectKind::State => NO_SETTINGS,
        ObjectKind::Label
        | ObjectKind::Milestone
        | ObjectKind::Issue
        | ObjectKind::ChangeRequest
        | ObjectKind::Review
        | ObjectKind::ReviewThread
        | ObjectKind::ReviewComment
        | ObjectKind::DiscussionCategory
        | ObjectKind::Discussion
        | ObjectKind::Snippet
        | ObjectKind::CommitComment
        | ObjectKind::Comment
        | ObjectKind::Reaction
        | ObjectKind::Event
        | ObjectKind::CommitStatus
        | ObjectKind::Release => NO_TALK,
    }
}

/// Why the field of a project does not arrive.
pub(super) fn why(field: &str) -> &'static str {
    let name = field.split('.').next().unwrap_or(field);
    GAPS.iter()
        .find(|gap| gap.field == name)
        .map_or("a bare repository has no place for it", |gap| gap.why)
}

const GAPS: &[Gap] = &[
    gap("path", "is what the URL says"),
    gap("name", "is what the URL says"),
    gap("default_branch", "is set where the repository is on this machine; a server keeps its own"),
    gap("description", "has no place in a bare repository"),
    gap("website", "has no place in a bare repository"),
    gap("visibility", "is up to whoever serves the repository"),
    gap("forked_from", "has no place in a bare repository"),
    gap("features", "have no place in a bare repository"),
    gap("merge_methods", "have no place in a bare repository"),
    gap("security", "has no place in a bare repository"),
    gap("automation", "has no place in a bare repository"),
    gap("autolinks", "have no place in a bare repository"),
    gap("pages", "have no place in a bare repository"),
    gap("created_at", "has no place in a bare repository"),
    gap("updated_at", "has no place in a bare repository"),
];

const fn gap(field: &'static str, why: &'static str) -> Gap {
    Gap { field, why }
}
