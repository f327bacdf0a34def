//! What people said and agreed on in the sample's larger project.

use super::{ROCKET, code::Tips, day, person, sha256};
use packhorse_core::{
    Object, Record, Scope,
    model::{
        Blob, Branch, BranchRule, ChangeRequest, ChangeRequestState, Comment, CommitState,
        CommitStatus, DeployKey, Enforcement, Grantee, HostId, Issue, Label, Markup, Member,
        Milestone, OpenState, Position, Reaction, Release, ReleaseAsset, Review, ReviewComment,
        ReviewRequest, ReviewThread, Role, Side, Subject, Text, Verdict, Webhook,
    },
};

/// A file that is kept by LFS.
pub(super) const LARGE: &[u8] = &[7; 4096];

/// A file of the release.
pub(super) const ASSET: &[u8] = b"plans of the rocket\n";

fn text(words: &str) -> Option<Text> {
    Some(Text::new(words, Markup::Github))
}

/// All records of the project, with the commits that there are.
pub(super) fn records(tips: &Tips) -> Vec<(Scope, Record)> {
    let scope = || Scope::Project(ROCKET.to_owned());
    let objects = settings(tips).into_iter().chain(issues()).chain(changes(tips));
    objects.map(|(id, object)| (scope(), Record::new(id, object))).collect()
}

type Named = (String, Object);

fn named(id: impl ToString, object: Object) -> Named {
    (id.to_string(), object)
}

fn tip(tips: &Tips, branch: &str) -> Option<String> {
    tips.get(&format!("refs/heads/{branch}")).cloned()
}

fn settings(tips: &Tips) -> Vec<Named> {
    let member =
        Member { grantee: Grantee::User(person("carol")), role: Role::Write, ..Member::default() };
    let rule = BranchRule {
        pattern: "main".to_owned(),
        admins_bound: true,
        block_deletion: Enforcement::Everyone,
        block_force_push: Enforcement::Everyone,
        reviews: Enforcement::Everyone,
        approvals: Some(1),
        checks: Enforcement::Everyone,
        required_checks: vec!["ci/test".to_owned()],
        ..BranchRule::default()
    };
    let hook = Webhook {
        url: "https://hooks.acme.example/rocket".to_owned(),
        events: vec!["push".to_owned()],
        content_type: Some("json".to_owned()),
        verify_tls: true,
        active: true,
        created_at: day(2),
        ..Webhook::default()
    };
    let key = DeployKey {
        title: "launch pad".to_owned(),
        key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxhdW5jaCBwYWQgb2YgdGhlIHJvY2tldCBoZXJl"
            .to_owned(),
        read_only: true,
        created_at: day(2),
        ..DeployKey::default()
    };
    let release = Release {
        tag: "v1.0".to_owned(),
        name: Some("First flight".to_owned()),
        body: text("It flies. Thanks to @bob for #1."),
        author: Some(person("alice")),
        target: Some("main".to_owned()),
        created_at: day(9),
        published_at: day(9),
        ..Release::default()
    };
    let asset = ReleaseAsset {
        release: "v1.0".to_owned(),
        name: "plans.txt".to_owned(),
        content_type: Some("text/plain".to_owned()),
        author: Some(person("alice")),
        blob: Some(Blob { size: Some(ASSET.len() as u64), sha256: Some(sha256(ASSET)) }),
        created_at: day(9),
        updated_at: day(9),
        ..ReleaseAsset::default()
    };
    let status = CommitStatus {
        commit: tip(tips, "main").unwrap_or_default(),
        context: "ci/test".to_owned(),
        state: CommitState::Success,
        description: Some("12 tests passed".to_owned()),
        target_url: Some("https://ci.acme.example/1".to_owned()),
        author: Some(person("bob")),
        created_at: day(8),
        updated_at: day(8),
        ..CommitStatus::default()
    };
    vec![
        named("carol", Object::from(member)),
        named("main", Object::from(rule)),
        named(1, Object::from(hook)),
        named(1, Object::from(key)),
        named(1, Object::from(release)),
        named(1, Object::from(asset)),
        named(1, Object::from(status)),
    ]
}

fn issues() -> Vec<Named> {
    let mut all = Vec::new();
    for (name, color) in [("bug", "d73a4a"), ("wish", "0e8a16")] {
        let color = Some(color.to_owned());
        let label = Label { name: name.to_owned(), color, ..Label::default() };
        all.push(named(name, Object::from(label)));
    }
    let milestone = Milestone {
        number: 1,
        title: "Second flight".to_owned(),
        description: text("Higher"),
        created_at: day(2),
        updated_at: day(2),
        due_at: day(28),
        ..Milestone::default()
    };
    all.push(named(1, Object::from(milestone)));
    let told = [
        (1, "It does not start", "bug", "bob", true),
        (2, "Fly to the Moon", "wish", "carol", false),
        (5, "The paint comes off 🎨", "bug", "alice", false),
    ];
    for (number, title, label, author, closed) in told {
        let issue = Issue {
            number,
            title: title.to_owned(),
            body: text("As it says. See #1, @alice.\n\n```\nignite()\n```"),
            author: Some(person(author)),
            state: if closed { OpenState::Closed } else { OpenState::Open },
            state_reason: closed.then(|| "completed".to_owned()),
            assignees: vec![person("bob")],
            labels: vec![label.to_owned()],
            milestone: (!closed).then_some(1),
            created_at: day(number + 2),
            updated_at: day(number + 3),
            closed_at: day(number + 3).filter(|_| closed),
            closed_by: closed.then(|| person("alice")),
            ..Issue::default()
        };
        all.push(named(number, Object::from(issue)));
    }
    for (n, about) in
        [(1, Subject::Issue(1)), (2, Subject::Issue(2)), (3, Subject::ChangeRequest(3))]
    {
        let comment = Comment {
            subject: about,
            author: Some(person(if n == 2 { "alice" } else { "bob" })),
            body: text("I see it too"),
            created_at: day(n + 4),
            updated_at: day(n + 4),
            ..Comment::default()
        };
        all.push(named(n, Object::from(comment)));
    }
    let reaction = Reaction {
        subject: Subject::Comment(HostId::from("1")),
        author: Some(person("carol")),
        content: "heart".to_owned(),
        created_at: day(6),
    };
    all.push(named(1, Object::from(reaction)));
    all
}

fn changes(tips: &Tips) -> Vec<Named> {
    let mut all = Vec::new();
    let branch = |name: &str| Branch {
        name: name.to_owned(),
        commit: tip(tips, name),
        project: Some(ROCKET.to_owned()),
        owner: None,
    };
    let told =
        [(3, "more-fuel", ChangeRequestState::Open), (4, "wings", ChangeRequestState::Closed)];
    for (number, name, state) in told {
        let closed = state == ChangeRequestState::Closed;
        let change = ChangeRequest {
            number,
            title: format!("Work on {name}"),
            body: text("Please look. Closes #2."),
            author: Some(person("bob")),
            state,
            base: branch("main"),
            head: branch(name),
            review_requests: vec![ReviewRequest {
                reviewer: Grantee::User(person("carol")),
                created_at: day(6),
                ..ReviewRequest::default()
            }],
            labels: vec!["wish".to_owned()],
            created_at: day(number + 2),
            updated_at: day(number + 4),
            closed_at: day(number + 4).filter(|_| closed),
            ..ChangeRequest::default()
        };
        all.push(named(number, Object::from(change)));
    }
    let commit = tip(tips, "more-fuel");
    let review = Review {
        change_request: 3,
        author: Some(person("alice")),
        body: text("Nearly there"),
        verdict: Verdict::ChangesRequested,
        commit: commit.clone(),
        created_at: day(7),
        submitted_at: day(7),
    };
    all.push(named(1, Object::from(review)));
    let position = Position {
        path: "fuel.rs".to_owned(),
        commit: commit.clone(),
        original_commit: commit,
        side: Some(Side::Right),
        line: Some(2),
        original_line: Some(2),
        hunk: Some("@@ -0,0 +1,2 @@\n+// more-fuel\n+fn more_fuel() {}".to_owned()),
        ..Position::default()
    };
    let review = Some(HostId::from("1"));
    let thread = ReviewThread {
        change_request: 3,
        review: review.clone(),
        position: position.clone(),
        created_at: day(7),
        ..ReviewThread::default()
    };
    all.push(named(1, Object::from(thread)));
    let comment = ReviewComment {
        change_request: 3,
        review,
        thread: Some(HostId::from("1")),
        author: Some(person("alice")),
        body: text("Which fuel?\n\n```suggestion\nfn more_fuel(kind: Fuel) {}\n```"),
        position,
        created_at: day(7),
        updated_at: day(7),
        ..ReviewComment::default()
    };
    all.push(named(1, Object::from(comment)));
    all
}
