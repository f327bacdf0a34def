//! Things that happened to issues and change requests.

use super::{Identity, Subject, Time, model};

model! {
    /// Something that happened; fields that do not apply are absent.
    pub struct Event {
        /// What it happened to.
        pub subject: Subject,
        /// What happened: `closed`, `reopened`, `merged`, `labeled`, `renamed`, …; the host's own
        /// word in snake case where the model has none.
        pub action: String,
        /// Who did it.
        pub actor: Option<Identity>,
        /// Whom it was done to: the assignee, the reviewer.
        pub target: Option<Identity>,
        /// Object id of the commit that it is about.
        pub commit: Option<String>,
        /// Full path of that commit's project.
        pub commit_project: Option<String>,
        /// Name of the label.
        pub label: Option<String>,
        /// Colour of the label then.
        pub label_color: Option<String>,
        /// Colour of the label's text then.
        pub label_text_color: Option<String>,
        /// Title of the milestone then.
        pub milestone: Option<String>,
        /// Title before.
        pub title_before: Option<String>,
        /// Title after.
        pub title_after: Option<String>,
        /// Name of the branch.
        pub branch: Option<String>,
        /// Object id before.
        pub before: Option<String>,
        /// Object id after.
        pub after: Option<String>,
        /// Address of another object that it is about.
        pub reference: Option<String>,
        /// Address of the change request that made the reference.
        pub referencing_change_request: Option<String>,
        /// When.
        pub created_at: Option<Time>,
    }
}
