//! Archives of other hosts, by what is in them.

/// Whose archive a member of that name is of; `None` where it does not tell.
pub(super) fn owner(member: &str) -> Option<&'static str> {
    let first = member.split('/').next().unwrap_or_default();
    let is_record_file = first.ends_with("_000001.json");
    if member == "schema.json" || is_record_file {
        return Some("it is GitHub's: write `github-archive:` before its name");
    }
    if first.starts_with("com.atlassian.") {
        return Some("it is Bitbucket Data Center's");
    }
    if matches!(first, "packhorse.json" | "manifest.ndjson") && member != "packhorse.json" {
        return Some("it is Packhorse's own: write `packhorse-archive:` before its name");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_of_others_are_told_by_their_members() {
        assert!(owner("schema.json").unwrap().contains("github-archive"));
        assert!(owner("com.atlassian.bitbucket.server.bitbucket-git_git/x").is_some());
        assert_eq!(owner("tree/project.json"), None);
        assert_eq!(owner("packhorse.json"), None);
    }
}
