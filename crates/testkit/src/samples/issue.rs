//! Issues and what hangs on them.

use super::value::{blob, comment as comment_at, issue_number, person, text, time};
use packhorse_core::model::{
    Attachment, Board, BoardColumn, Comment, Event, Issue, OpenState, Reaction, State, StateValue,
    Subject, TaskState,
};

pub(super) fn issue(n: u64) -> Issue {
    let closed = n % 2 == 1;
    Issue {
        number: issue_number(n),
        title: format!("Issue {n}: it \"breaks\" — again 💥"),
        body: text(n, "issue"),
        author: Some(person(n)),
        state: if closed { OpenState::Closed } else { OpenState::Open },
        state_reason: closed.then(|| "completed".to_owned()),
        issue_type: None,
        assignees: vec![person(n + 1), person(n + 2)],
        labels: vec![format!("kind: bug/{n} 🐛")],
        milestone: Some(n + 1),
        confidential: n.is_multiple_of(7),
        weight: Some(n % 5),
        time_estimate: Some(3600),
        time_spent: None,
        due_at: time(n, 60),
        children: Vec::new(),
        closed_by: closed.then(|| person(n)),
        created_at: time(n, 1),
        updated_at: time(n, 2),
        closed_at: closed.then(|| time(n, 2)).flatten(),
    }
}

pub(super) fn comment(n: u64) -> Comment {
    Comment {
        subject: Subject::Issue(issue_number(n)),
        reply_to: None,
        author: (!n.is_multiple_of(6)).then(|| person(n)),
        body: text(n, "comment"),
        internal: false,
        task: n.is_multiple_of(8).then_some(TaskState::Open),
        resolver: None,
        resolved_at: None,
        created_at: time(n, 3),
        updated_at: time(n, 4),
    }
}

pub(super) fn reaction(n: u64) -> Reaction {
    Reaction {
        subject: Subject::Comment(comment_at(n)),
        author: Some(person(n)),
        content: ["+1", "heart", "rocket", "eyes"][n as usize % 4].to_owned(),
        created_at: time(n, 5),
    }
}

pub(super) fn event(n: u64) -> Event {
    Event {
        subject: Subject::Issue(issue_number(n)),
        action: "labeled".to_owned(),
        actor: Some(person(n)),
        label: Some(format!("kind: bug/{n} 🐛")),
        label_color: Some("d73a4a".to_owned()),
        created_at: time(n, 6),
        ..Event::default()
    }
}

pub(super) fn attachment(n: u64) -> Attachment {
    Attachment {
        subject: Subject::Issue(issue_number(n)),
        name: format!("über {n}.png"),
        content_type: Some("image/png".to_owned()),
        url: Some(format!("https://git.example/uploads/{n}/x.png")),
        legacy_url: None,
        author: Some(person(n)),
        blob: blob(n),
        created_at: time(n, 7),
    }
}

pub(super) fn board(n: u64) -> Board {
    Board {
        name: format!("Board {n}"),
        description: Some("What is under way".to_owned()),
        milestone: Some(n + 1),
        labels: vec![format!("kind: bug/{n} 🐛")],
        columns: vec![
            BoardColumn { name: "Later".to_owned(), ..BoardColumn::default() },
            BoardColumn {
                name: "Now".to_owned(),
                issues: vec![issue_number(n)],
                ..BoardColumn::default()
            },
        ],
    }
}

pub(super) fn state(n: u64) -> State {
    State {
        subject: Subject::Issue(issue_number(n)),
        value: StateValue::Locked(Some("too heated".to_owned())),
        author: Some(person(n)),
        created_at: time(n, 8),
    }
}
