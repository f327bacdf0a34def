//! What connects a project with other systems: hooks, keys, variables, statuses.

use super::{Identity, Time, choice, model};

choice! {
    /// What a build said of a commit.
    pub enum CommitState {
        /// It has not said yet.
        #[default]
        Pending,
        /// It runs.
        Running,
        /// Good.
        Success,
        /// Bad.
        Failure,
        /// It broke.
        Error,
        /// It was stopped.
        Cancelled,
        /// It was left out.
        Skipped,
    }
}

model! {
    /// A webhook.
    ///
    /// SECURITY: there is no field for its secret; hosts do not give it out, and
    /// nobody but the owner should enter it again.
    pub struct Webhook {
        /// Where it calls.
        pub url: String,
        /// Name for people.
        pub name: Option<String>,
        /// What it listens to, in the source's words.
        pub events: Vec<String>,
        /// Branches it listens to, as a pattern.
        pub branch_filter: Option<String>,
        /// Media type of what it sends: `json` or `form`.
        pub content_type: Option<String>,
        /// Whether it checks the called host's certificate.
        pub verify_tls: bool,
        /// Whether it is switched on at the source.
        pub active: bool,
        /// Whether it has a secret, where the host says so.
        pub has_secret: Option<bool>,
        /// When it was made.
        pub created_at: Option<Time>,
    }

    /// A key that may read or write the repository.
    pub struct DeployKey {
        /// Name for people.
        pub title: String,
        /// The public key, in OpenSSH's form.
        pub key: String,
        /// Fingerprint of the key, as the host tells it.
        pub key_fingerprint: Option<String>,
        /// Whether it may only read.
        pub read_only: bool,
        /// When it was made.
        pub created_at: Option<Time>,
        /// Until when it works.
        pub expires_at: Option<Time>,
    }

    /// A variable of the project's builds.
    ///
    /// SECURITY: there is no field for its value.
    pub struct Variable {
        /// Name.
        pub name: String,
        /// Environment it is for, `*` for all.
        pub environment: Option<String>,
        /// Whether only protected branches get it.
        pub protected: bool,
        /// Whether logs hide it.
        pub masked: bool,
        /// Whether the host never shows it again.
        pub is_secret: bool,
        /// What it is for.
        pub description: Option<String>,
    }

    /// A build's verdict on a commit.
    pub struct CommitStatus {
        /// Object id of the commit.
        pub commit: String,
        /// Which build.
        pub context: String,
        /// What it said.
        pub state: CommitState,
        /// Its words.
        pub description: Option<String>,
        /// Where to read more.
        pub target_url: Option<String>,
        /// Branch or tag that was built.
        pub git_ref: Option<String>,
        /// Who reported it.
        pub author: Option<Identity>,
        /// When it was reported.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }
}
