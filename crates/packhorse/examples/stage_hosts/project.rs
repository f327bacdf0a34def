//! A project of any size: issues with four comments each, and a fifth as many change requests.

use packhorse_core::{
    Object, Record, RepoKind, Scope,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Comment, Identity, Issue, Label, Markup,
        ObjectFormat, OpenState, Organization, Project, Subject, Text, Time, User, Visibility,
    },
};
use packhorse_fakes::Fake;
use packhorse_git::{Git, repository};
use std::error::Error;

const PATH: &str = "acme/app";
const COMMENTS: u64 = 4;

fn person(n: u64) -> Identity {
    Identity::login(if n.is_multiple_of(2) { "alice" } else { "bob" }, None)
}

pub(crate) fn people() -> Vec<(Scope, Record)> {
    let user = |n| {
        let user = User { identity: person(n), is_admin: n == 0, ..User::default() };
        (Scope::Shared, Record::new(user.identity.login.clone(), Object::from(user)))
    };
    let acme = Organization { path: "acme".to_owned(), ..Organization::default() };
    vec![user(0), user(1), (Scope::Shared, Record::new("acme", Object::from(acme)))]
}

fn text(n: u64) -> Option<Text> {
    let words = format!("It went wrong once more, and this is how: step {n}. ");
    Some(Text::new(words.repeat(6), Markup::Github))
}

/// Half a minute after the one before, for hosts number in the order of dates.
fn day(n: u64) -> Option<Time> {
    let (minutes, seconds) = (n / 2, n % 2 * 30);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24 % 28 + 1, hours % 24);
    format!("2020-01-{days:02}T{hours:02}:{minutes:02}:{seconds:02}Z").parse().ok()
}

pub(crate) async fn lay_out(fake: &Fake, issues: u64) -> Result<(), Box<dyn Error>> {
    let project = Project {
        path: PATH.to_owned(),
        name: "app".to_owned(),
        visibility: Visibility::Public,
        default_branch: Some("main".to_owned()),
        ..Project::default()
    };
    fake.fill([(Scope::Shared, Record::new(PATH, Object::from(project)))]);
    let scope = Scope::Project(PATH.to_owned());
    let label = Label { name: "bug".into(), color: Some("ff0000".into()), ..Label::default() };
    fake.fill([(scope.clone(), Record::new("1", Object::from(label)))]);
    let changes = issues / 5;
    let tips = history(fake, (issues, changes)).await?;
    for n in 1..=issues {
        fake.fill([(scope.clone(), Record::new(n.to_string(), Object::from(issue(n))))]);
        fake.fill((0..COMMENTS).map(|it| (scope.clone(), comment(n, it))));
    }
    for (n, tip) in (issues + 1..).zip(tips) {
        let change = Object::from(change_request(n, tip));
        fake.fill([(scope.clone(), Record::new(n.to_string(), change))]);
    }
    Ok(())
}

fn issue(number: u64) -> Issue {
    let is_closed = number.is_multiple_of(3);
    Issue {
        number,
        title: format!("Issue {number}"),
        body: text(number),
        author: Some(person(number)),
        state: if is_closed { OpenState::Closed } else { OpenState::Open },
        labels: vec!["bug".to_owned()],
        created_at: day(number),
        updated_at: day(number),
        closed_at: day(number).filter(|_| is_closed),
        ..Issue::default()
    }
}

fn comment(issue: u64, n: u64) -> Record {
    let comment = Comment {
        subject: Subject::Issue(issue),
        author: Some(person(issue + n)),
        body: text(n),
        created_at: day(issue + n),
        updated_at: day(issue + n),
        ..Comment::default()
    };
    Record::new((issue * COMMENTS + n).to_string(), Object::from(comment))
}

/// A third each is open, closed and merged.
fn state(number: u64) -> ChangeRequestState {
    match number % 3 {
        0 => ChangeRequestState::Merged,
        1 => ChangeRequestState::Open,
        _ => ChangeRequestState::Closed,
    }
}

fn change_request(number: u64, (name, head, base): (String, String, String)) -> ChangeRequest {
    let state = state(number);
    let is_merged = state == ChangeRequestState::Merged;
    let branch = |name: &str, commit: String| Branch {
        name: name.to_owned(),
        commit: Some(commit),
        project: Some(PATH.to_owned()),
        owner: None,
    };
    ChangeRequest {
        number,
        title: format!("Change {number}"),
        body: text(number),
        author: Some(person(number)),
        state,
        base: branch("main", base),
        head: branch(&name, head.clone()),
        merge_commit: Some(head).filter(|_| is_merged),
        merged_at: day(number).filter(|_| is_merged),
        closed_at: day(number).filter(|_| state != ChangeRequestState::Open),
        created_at: day(number),
        updated_at: day(number),
        ..ChangeRequest::default()
    }
}

/// A branch for each change request, whose commit `main` has where it is merged: its name, its
/// commit and its base.
async fn history(
    fake: &Fake,
    (first, changes): (u64, u64),
) -> Result<Vec<(String, String, String)>, Box<dyn Error>> {
    let mut script = String::new();
    for n in 0..=changes {
        let line = format!("line {n}\n");
        let is_merged = n == 0 || state(first + n) == ChangeRequestState::Merged;
        let on = if is_merged { "main".to_owned() } else { format!("change-{n}") };
        script += &format!("commit refs/heads/{on}\ncommitter a <a@acme.example> {n} +0000\n");
        let from = if is_merged { "" } else { "from refs/heads/main\n" };
        script += &format!("data 5\nWork\n{from}M 100644 inline f/{n}\n");
        script += &format!("data {}\n{line}\n", line.len());
        if is_merged {
            script += &format!("reset refs/heads/change-{n}\nfrom refs/heads/main\n\n");
        }
    }
    let directory = fake.repository(PATH, RepoKind::Code);
    repository::init_bare(&directory, ObjectFormat::Sha1)?;
    repository::set_head(&directory, "refs/heads/main")?;
    let git = Git::find().await?;
    git.inside(&directory, ["fast-import", "--quiet"]).run(script.as_bytes()).await?;
    git.inside(&directory, ["pack-refs", "--all"]).run(b"").await?;
    let refs = fake.store(|store| store.refs(PATH, RepoKind::Code));
    let tip = |n| refs.get(&format!("refs/heads/change-{n}")).cloned().ok_or("a branch is missing");
    (1..=changes).map(|n| Ok((format!("change-{n}"), tip(n)?, tip(n - 1)?))).collect()
}
