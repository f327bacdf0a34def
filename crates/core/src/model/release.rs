//! Releases and their files.

use super::{Blob, Identity, Text, Time, model};

model! {
    /// A release.
    pub struct Release {
        /// Name of the tag.
        pub tag: String,
        /// Name of the tag that a draft will make, where it differs.
        pub pending_tag: Option<String>,
        /// Title.
        pub name: Option<String>,
        /// What was written.
        pub body: Option<Text>,
        /// Who published it.
        pub author: Option<Identity>,
        /// Whether it is not published.
        pub draft: bool,
        /// Whether it is not for everybody yet.
        pub prerelease: bool,
        /// Branch or commit that the tag was or will be made from.
        pub target: Option<String>,
        /// Numbers of its milestones.
        pub milestones: Vec<u64>,
        /// When it was made.
        pub created_at: Option<Time>,
        /// When it was published.
        pub published_at: Option<Time>,
    }

    /// A file or a link of a release.
    pub struct ReleaseAsset {
        /// Tag of the release.
        pub release: String,
        /// Name of the file.
        pub name: String,
        /// Name for people.
        pub label: Option<String>,
        /// Its media type.
        pub content_type: Option<String>,
        /// Who uploaded it.
        pub author: Option<Identity>,
        /// Its bytes; absent when it is a link.
        pub blob: Option<Blob>,
        /// Address, when it is a link.
        pub link: Option<String>,
        /// When it was uploaded.
        pub created_at: Option<Time>,
        /// When it last changed.
        pub updated_at: Option<Time>,
    }
}
