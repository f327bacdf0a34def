//! Why a destination refused, in words that say what to do.
//!
//! Source of the reasons: git's builtin/receive-pack.c, GitHub's
//! "Troubleshooting pushes" and its codes GH001 to GH013, GitLab's
//! `Gitlab::Checks`, Gitea's and Bitbucket's hooks. The remarks are the host's
//! own, and with hooks they are where it says why.

/// Remarks of one refusal that are passed on.
const MAX_REMARKS: usize = 12;

/// Words in a reason or a remark, and what they come to.
const MEANINGS: &[(&[&str], &str)] = &[
    (&["hidden ref", "reserved for Bitbucket"], "the destination keeps such refs for itself"),
    (
        &[
            "GH013",
            "GITLEAKS",
            "push protection",
            "Push cannot contain secrets",
            "secret detection",
        ],
        "the destination found what looks like a secret in it; revoke it, and allow it there or \
         take it out of the history",
    ),
    (
        &["GH001", "exceeds GitHub's file size limit", "larger than the maximum allowed file size"],
        "a file in it is larger than the destination takes; leave the ref, or convert the file to \
         LFS",
    ),
    (
        &["GH008", "LFS objects are missing", "unknown Git LFS objects"],
        "the destination lacks large files of it; carry those first",
    ),
    (
        &["GH002", "consisting of 40 hex", "invalid name", "funny refname"],
        "the destination does not take refs of that name",
    ),
    (
        &[
            "GH006",
            "protected branch",
            "protected tag",
            "Not allowed to push",
            "not allowed to push",
            "Branch restrictions",
            "branch permission",
            "deletion",
        ],
        "the destination protects it; allow it there and run again",
    ),
    (&["GH007", "email privacy"], "the destination takes no commits with that address"),
    (&["shallow update not allowed"], "a part of its history is missing"),
    (&["missing necessary objects"], "objects that it needs have not arrived"),
    (
        &["default branch and cannot be deleted", "current branch"],
        "the destination has it for its default branch; make another one that",
    ),
    (&["non-fast-forward"], "the destination refuses to rewind it, whatever we ask"),
];

/// Words that say that a ref is not any more what it was when it was looked at.
const MOVED: &[&str] =
    &["fetch first", "stale info", "incorrect old value", "failed to update ref"];

/// A server's reason for refusing a ref, in words that say what to do.
pub(super) fn explained(name: &str, reason: &str, remarks: &str) -> String {
    let meaning = |text: &str| reason.contains(text);
    let is_moved = MOVED.iter().any(|it| meaning(it))
        || (meaning("cannot lock ref") && (meaning("but expected") || meaning("already exists")));
    if is_moved {
        return format!("somebody moved it at the destination meanwhile; run again ({reason})");
    }
    let told = about(name, remarks);
    // A hook refuses for reasons that only the remarks tell.
    let is_hook = ["hook", "declined", "rule"].iter().any(|it| meaning(it));
    let told = if is_hook { told.join("; ") } else { String::new() };
    let means = MEANINGS.iter().find(|(signs, _)| {
        signs.iter().any(|it| reason.contains(it) || (is_hook && told.contains(it)))
    });
    let own = if told.is_empty() { reason.to_owned() } else { format!("{reason}: {told}") };
    match means {
        Some((_, means)) => format!("{means} ({own})"),
        None => own,
    }
}

/// Whether words say that a push was too large as a whole.
///
/// Source: `receive.maxInputSize` of git's index-pack and unpack-objects; GitLab's "push size".
pub(super) fn is_about_size(words: &str) -> bool {
    ["exceeds maximum allowed size", "maximum push size", "push size limit"]
        .iter()
        .any(|it| words.contains(it))
}

/// The remarks that may be about a ref: all of them, save those that name others alone.
fn about<'a>(name: &str, remarks: &'a str) -> Vec<&'a str> {
    let is_progress = |it: &str| it.contains("% (") || it.contains("100%");
    let bare = |it: &str| it.trim_start_matches("error:").trim_matches(['-', '=', '*', ' ']).len();
    let is_talk = |it: &str| bare(it) == 0 || is_progress(it);
    let others = |line: &str| {
        let named: Vec<_> =
            line.split(|it: char| it.is_whitespace() || "'\"`".contains(it)).collect();
        let is_ref = |it: &&str| it.starts_with("refs/") && it.len() > 5;
        named.iter().any(is_ref)
            && !named.iter().any(|it| it.trim_end_matches(['.', ':', ',']) == name)
    };
    let told: Vec<_> = remarks.lines().map(str::trim).filter(|it| !is_talk(it)).collect();
    let mine: Vec<_> = told.iter().copied().filter(|it| !others(it)).collect();
    mine[mine.len().saturating_sub(MAX_REMARKS)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: &str, remarks: &str, expected: &str) {
        let words = explained("refs/heads/main", reason, remarks);
        assert!(words.contains(expected), "{words}");
    }

    #[test]
    fn a_hook_speaks_in_the_remarks() {
        let remarks = "Resolving deltas: 100% (3/3)\n-----\nerror:\nerror: the build is red\n";

        let words = explained("refs/heads/a", "pre-receive hook declined", remarks);

        assert_eq!(words, "pre-receive hook declined: error: the build is red");
        assert_eq!(explained("refs/heads/a", "odd", remarks), "odd");
    }

    #[test]
    fn what_hosts_refuse_is_told_with_what_to_do() {
        let hook = "pre-receive hook declined";
        let large = "error: GH001: Large files detected.\nerror: File a.bin is 150.00 MB; this exceeds GitHub's file size limit of 100.00 MB";
        check(hook, large, "convert the file to LFS");
        check(hook, large, "a.bin is 150.00 MB");
        let secret = "error: GH013: Repository rule violations found for refs/heads/main.\n- Push cannot contain secrets";
        check("push declined due to repository rule violations", secret, "looks like a secret");
        let protected = "GitLab: You are not allowed to push code to protected branches";
        check(hook, protected, "protects it");
        check("protected branch hook declined", "error: GH006: Protected branch", "protects it");
        check(hook, "GitLab: LFS objects are missing.", "lacks large files");
        check("deny updating a hidden ref", "", "for itself");
        check("non-fast-forward", "", "rewind");
        check("failed to update ref", "", "somebody moved it");
        check("missing necessary objects", "", "have not arrived");
    }

    #[test]
    fn what_is_said_of_another_ref_is_not_said_of_this() {
        let remarks = "error: refs/heads/other is locked.\nerror: refs/heads/main is red.\nsorry";

        let words = explained("refs/heads/main", "hook declined", remarks);

        assert_eq!(words, "hook declined: error: refs/heads/main is red.; sorry");
    }

    #[test]
    fn a_push_that_is_too_large_is_told_from_a_file_that_is() {
        assert!(is_about_size("fatal: pack exceeds maximum allowed size (2.00 GiB)"));
        assert!(!is_about_size("GH001: Large files detected"));
    }
}
