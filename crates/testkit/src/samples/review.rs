//! Change requests, reviews, and what is said of commits.

use super::value::{
    change_request_number, commit, issue_number, person, review_id, text, thread_id, time,
};
use packhorse_core::model::{
    Branch, ChangeRequest, ChangeRequestState, CloseReference, CommitComment, CommitState,
    CommitStatus, Grantee, HostId, Position, Review, ReviewComment, ReviewRequest, ReviewThread,
    Side, Verdict,
};

pub(super) fn change_request(n: u64) -> ChangeRequest {
    let merged = n.is_multiple_of(2);
    ChangeRequest {
        number: change_request_number(n),
        title: format!("Change {n}: mend <it> & more"),
        body: text(n, "change request"),
        author: Some(person(n)),
        state: if merged { ChangeRequestState::Merged } else { ChangeRequestState::Open },
        draft: n.is_multiple_of(3),
        base: branch("main", 0),
        head: branch(&format!("fix/{n}"), n),
        assignees: vec![person(n + 1)],
        review_requests: vec![ReviewRequest {
            reviewer: Grantee::User(person(n + 2)),
            created_at: time(n, 2),
            updated_at: None,
            dismissed_at: None,
        }],
        labels: vec![format!("kind: bug/{n} 🐛")],
        milestone: Some(n + 1),
        closes: vec![CloseReference {
            issue: issue_number(n),
            project: None,
            author: Some(person(n)),
            origin: None,
            created_at: time(n, 2),
        }],
        merge_commit: merged.then(|| commit(n + 1)),
        squash_commit: None,
        squash: Some(false),
        delete_head: Some(true),
        maintainers_may_push: Some(true),
        merged_by: merged.then(|| person(n)),
        closed_by: None,
        created_at: time(n, 1),
        updated_at: time(n, 3),
        merged_at: merged.then(|| time(n, 3)).flatten(),
        closed_at: merged.then(|| time(n, 3)).flatten(),
    }
}

fn branch(name: &str, n: u64) -> Branch {
    Branch {
        name: name.to_owned(),
        commit: Some(commit(n)),
        project: Some("acme/app".to_owned()),
        owner: None,
    }
}

pub(super) fn review(n: u64) -> Review {
    Review {
        change_request: change_request_number(n),
        author: Some(person(n)),
        body: text(n, "review"),
        verdict: [Verdict::Approved, Verdict::Commented, Verdict::ChangesRequested][n as usize % 3],
        commit: Some(commit(n)),
        created_at: time(n, 4),
        submitted_at: time(n, 5),
    }
}

fn position(n: u64) -> Position {
    Position {
        path: format!("src/dir {n}/lib.rs"),
        old_path: n.is_multiple_of(3).then(|| "src/old.rs".to_owned()),
        commit: Some(commit(n)),
        original_commit: Some(commit(n)),
        side: Some(Side::Right),
        line: (!n.is_multiple_of(4)).then_some(n + 3),
        original_line: Some(n + 3),
        start_line: None,
        diff_position: Some(4),
        hunk: Some("@@ -1,2 +1,3 @@\n a\n-b\n+b \"c\"\n+d".to_owned()),
        ..Position::default()
    }
}

pub(super) fn thread(n: u64) -> ReviewThread {
    ReviewThread {
        change_request: change_request_number(n),
        review: Some(HostId(review_id(n))),
        position: position(n),
        outdated: Some(n.is_multiple_of(4)),
        resolver: n.is_multiple_of(2).then(|| person(n)),
        resolved_at: n.is_multiple_of(2).then(|| time(n, 9)).flatten(),
        created_at: time(n, 6),
    }
}

pub(super) fn comment(n: u64) -> ReviewComment {
    ReviewComment {
        change_request: change_request_number(n),
        review: Some(HostId(review_id(n))),
        thread: Some(HostId(thread_id(n))),
        reply_to: None,
        author: Some(person(n)),
        body: text(n, "review comment\n```suggestion\nlet x = 1;\n```"),
        position: position(n),
        pending: false,
        created_at: time(n, 6),
        updated_at: time(n, 7),
    }
}

pub(super) fn commit_comment(n: u64) -> CommitComment {
    CommitComment {
        commit: commit(n),
        path: Some("README.md".to_owned()),
        diff_position: Some(1),
        line: Some(n + 1),
        author: Some(person(n)),
        body: text(n, "commit comment"),
        created_at: time(n, 1),
        updated_at: time(n, 2),
    }
}

pub(super) fn commit_status(n: u64) -> CommitStatus {
    CommitStatus {
        commit: commit(n),
        context: format!("ci/build {n}"),
        state: [CommitState::Success, CommitState::Failure, CommitState::Pending][n as usize % 3],
        description: Some("took 3 min".to_owned()),
        target_url: Some(format!("https://ci.example/runs/{n}")),
        git_ref: Some("main".to_owned()),
        author: Some(person(n)),
        created_at: time(n, 1),
        updated_at: time(n, 2),
    }
}
