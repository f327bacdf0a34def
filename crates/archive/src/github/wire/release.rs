//! Releases and their files.

use super::{List, wire};

wire! {
    /// A release.
    struct Release {
        r#type: String,
        url: String,
        repository: Option<String>,
        user: Option<String>,
        name: Option<String>,
        tag_name: Option<String>,
        body: Option<String>,
        state: Option<String>,
        pending_tag: Option<String>,
        prerelease: Option<bool>,
        target_commitish: Option<String>,
        release_assets: List<Asset>,
        published_at: Option<String>,
        created_at: Option<String>,
    }
    nested { "release_assets": Asset }

    /// A file of a release; exporters call its name `name` or `asset_name`.
    struct Asset {
        user: Option<String>,
        #[serde(skip_serializing)]
        name: Option<String>,
        asset_name: Option<String>,
        asset_content_type: Option<String>,
        asset_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        created_at: Option<String>,
    }
}
