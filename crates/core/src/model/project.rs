//! The project itself.

use super::{Time, choice, model};
use std::collections::BTreeMap;

choice! {
    /// Who may see something.
    pub enum Visibility {
        /// Members only.
        #[default]
        Private,
        /// Everybody with an account on the host.
        Internal,
        /// Everybody.
        Public,
    }
}

model! {
    /// A project: its name and its settings.
    pub struct Project {
        /// Full path on the host, such as `acme/app`.
        pub path: String,
        /// Name for people.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
        /// Home page.
        pub website: Option<String>,
        /// Who may see it.
        pub visibility: Visibility,
        /// Branch that a clone checks out.
        pub default_branch: Option<String>,
        /// Full path of the project it is a fork of.
        pub forked_from: Option<String>,
        /// What is switched on.
        pub features: Features,
        /// How change requests may be merged.
        pub merge_methods: MergeMethods,
        /// Security scanners that are switched on, by neutral name.
        pub security: BTreeMap<String, bool>,
        /// Rules for its builds.
        pub automation: Option<Automation>,
        /// Prefixes in texts that become links.
        pub autolinks: Vec<Autolink>,
        /// Its published site.
        pub pages: Option<Pages>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }

    /// Parts of a project that can be switched off; absent where the host does not say.
    pub struct Features {
        /// Issues.
        pub issues: Option<bool>,
        /// The wiki.
        pub wiki: Option<bool>,
        /// Downloads.
        pub downloads: Option<bool>,
        /// Boards.
        pub boards: Option<bool>,
        /// Discussions.
        pub discussions: Option<bool>,
        /// Whether others may fork it.
        pub forking: Option<bool>,
        /// Whether it asks for sponsors.
        pub sponsorships: Option<bool>,
        /// Whether new projects may be made from it.
        pub template: Option<bool>,
        /// Whether archives of its tree contain LFS objects.
        pub lfs_in_archives: Option<bool>,
    }

    /// How change requests may be merged; absent where the host does not say.
    pub struct MergeMethods {
        /// By a merge commit.
        pub merge_commit: Option<bool>,
        /// By one squashed commit.
        pub squash: Option<bool>,
        /// By rebasing.
        pub rebase: Option<bool>,
        /// By moving the branch alone.
        pub fast_forward: Option<bool>,
        /// By itself, once all checks pass.
        pub auto_merge: Option<bool>,
        /// Whether the head branch is deleted afterwards.
        pub delete_head: Option<bool>,
        /// Whether the head branch may be brought up to date on the page.
        pub update_head: Option<bool>,
    }

    /// Which automation a project may run.
    pub struct Automation {
        /// Whether any runs.
        pub enabled: bool,
        /// Whether everything may run.
        pub allows_all: Option<bool>,
        /// Whether only the project's own may run.
        pub allows_local_only: Option<bool>,
        /// Whether the host's own may run.
        pub allows_host_owned: Option<bool>,
        /// Whether what the host has verified may run.
        pub allows_verified: Option<bool>,
        /// Whether what matches `patterns` may run.
        pub allows_patterns: Option<bool>,
        /// What may run, by pattern.
        pub patterns: Vec<String>,
    }

    /// A prefix in texts that becomes a link.
    pub struct Autolink {
        /// The prefix, such as `TICKET-`.
        pub prefix: String,
        /// The address, with `<num>` for what follows the prefix.
        pub url_template: String,
        /// Whether letters may follow the prefix too.
        pub alphanumeric: Option<bool>,
    }

    /// A published site of the project.
    pub struct Pages {
        /// Its own domain.
        pub domain: Option<String>,
        /// Branch it is built from.
        pub branch: Option<String>,
        /// Directory it is built from.
        pub directory: Option<String>,
        /// Whether everybody may see it.
        pub public: Option<bool>,
        /// Whether plain HTTP is redirected.
        pub https_only: Option<bool>,
        /// How it is built, in the host's words.
        pub build: Option<String>,
    }
}
