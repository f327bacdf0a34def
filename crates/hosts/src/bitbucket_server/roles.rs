//! The words of the host for rights.

use super::{map::project::role, write::permission};
use crate::roles::{RoleWord, Roles};

/// How they are read and written.
pub(crate) fn roles() -> Roles {
    let words = [("VIEW", "PROJECT_VIEW"), ("READ", "REPO_READ"), ("WRITE", "REPO_WRITE")];
    let words = words.into_iter().chain([("ADMIN", "REPO_ADMIN")]);
    let reads = words.map(|(word, whole)| (word, role(Some(whole)))).collect();
    let writes = |role| {
        let (word, loss) = permission(role).ok()?;
        Some(RoleWord { word, is_whole: loss.is_none() })
    };
    Roles { reads, writes: Some(writes) }
}
