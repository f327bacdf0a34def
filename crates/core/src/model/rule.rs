//! Rules for branches and tags.
//!
//! A rule never becomes looser on its way without a loss that says so.

use super::{Grantee, Identity, choice, model};

choice! {
    /// Whom a rule binds.
    pub enum Enforcement {
        /// Nobody.
        #[default]
        Off,
        /// Everybody but administrators.
        NonAdmins,
        /// Everybody.
        Everyone,
    }
}

model! {
    /// Rules for the branches that match a pattern.
    pub struct BranchRule {
        /// Name or pattern of the branches.
        pub pattern: String,
        /// Who made it.
        pub author: Option<Identity>,
        /// Whether administrators are bound too.
        pub admins_bound: bool,
        /// Who is kept from deleting the branch.
        pub block_deletion: Enforcement,
        /// Who is kept from rewriting the branch.
        pub block_force_push: Enforcement,
        /// Who may rewrite it although it is blocked: `true` for everybody who may push.
        pub force_push_allowed: Option<bool>,
        /// Whether everybody who may push may delete it.
        pub deletion_allowed: Option<bool>,
        /// Whether only some may push.
        pub restrict_push: bool,
        /// Those who may.
        pub pushers: Vec<Grantee>,
        /// Whether only some may merge.
        pub restrict_merge: bool,
        /// Those who may.
        pub mergers: Vec<Grantee>,
        /// Who needs reviews before merging.
        pub reviews: Enforcement,
        /// Whether reviews must approve.
        pub approval_required: Option<bool>,
        /// How many approvals.
        pub approvals: Option<u64>,
        /// Whether pushes take approvals back.
        pub dismiss_stale: bool,
        /// Whether owners of the code must approve.
        pub code_owner_review: bool,
        /// Whether only some may dismiss reviews.
        pub restrict_dismissal: Option<bool>,
        /// Those who may.
        pub dismissers: Vec<Grantee>,
        /// Who needs passing checks before merging.
        pub checks: Enforcement,
        /// Whether checks are required at all.
        pub checks_required: Option<bool>,
        /// Names of the checks.
        pub required_checks: Vec<String>,
        /// Whether the head must contain the base.
        pub strict_checks: bool,
        /// Whether commits must be signed.
        pub signatures: Option<bool>,
        /// Whether merge commits are forbidden.
        pub linear_history: Option<bool>,
        /// Whether all threads must be settled before merging.
        pub threads_resolved: Option<bool>,
        /// Whether nobody may push at all.
        pub read_only: bool,
    }

    /// Rules for the tags that match a pattern.
    pub struct TagRule {
        /// Name or pattern of the tags.
        pub pattern: String,
        /// Those who may make such tags; nobody when empty.
        pub creators: Vec<Grantee>,
        /// The least role that may make such tags.
        pub role: Option<super::Role>,
    }
}
