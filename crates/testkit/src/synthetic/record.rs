//! The records of a source that makes them up.

use super::Synthetic;
use crate::{random::draw, samples};
use packhorse_core::{
    Object, ObjectKind, Record,
    model::{
        Branch, ChangeRequest, ChangeRequestState, Comment, Event, HostId, Identity, Issue, Label,
        Markup, Milestone, OpenState, Position, Project, Reaction, Release, Review, ReviewComment,
        ReviewThread, Subject, Text, Time, User, Verdict,
    },
};

const WORDS: &[&str] = &[
    "pack",
    "horse",
    "bridge",
    "saddle",
    "when",
    "the",
    "path",
    "fails",
    "a",
    "load",
    "of",
    "stone",
    "über",
    "arrives",
    "late",
    "again",
    "after",
    "`reload()`",
    "**twice**",
    "see",
    "#1",
    "and",
    "nobody",
    "knows",
    "why",
    "🐴",
    "it",
    "was",
    "never",
    "tied",
    "\n\n",
    "- [ ] check",
];

/// Path of a project.
pub(super) fn path(project: u64) -> String {
    format!("acme/app-{project}")
}

/// A comment's id follows from its number, so that what refers to it needs no table.
fn comment_id(n: u64) -> String {
    (1_000_000 + n).to_string()
}

fn review_id(n: u64) -> String {
    (2_000_000 + n).to_string()
}

fn thread_id(n: u64) -> String {
    (3_000_000 + n).to_string()
}

/// Where the numbers of one record come from.
struct Maker<'a> {
    of: &'a Synthetic,
    project: u64,
    kind: ObjectKind,
    n: u64,
}

impl Synthetic {
    /// Record `n` of a lane.
    pub(super) fn record(&self, kind: ObjectKind, project: u64, n: u64) -> Record {
        Maker { of: self, project, kind, n }.record()
    }
}

impl Maker<'_> {
    fn draw(&self, what: u64) -> u64 {
        draw(&[self.of.seed, self.project, self.kind as u64, self.n, what])
    }

    fn person(&self, what: u64) -> Option<Identity> {
        let login = format!("user-{}", self.draw(what) % self.of.users.max(1));
        Some(Identity::login(login, Some("git.example")))
    }

    fn time(&self, what: u64) -> Option<Time> {
        let minute = self.n * 11 + what * 3 + self.draw(what) % 3;
        Time::from_millis(1_420_070_400_000 + i64::try_from(minute).ok()? * 60_000)
    }

    fn words(&self, count: u64) -> String {
        let word = |at| WORDS[(self.draw(1000 + at) % WORDS.len() as u64) as usize];
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }

    fn text(&self) -> Option<Text> {
        let mut text = self.words(20 + self.draw(1) % 80);
        if self.draw(2) % 100 < self.of.changed_percent {
            text.push_str("\n\nEdited.");
        }
        Some(Text::new(text, Markup::Github))
    }

    fn record(&self) -> Record {
        let (of, n) = (self.of, self.n);
        let issue = |number: u64| Subject::Issue(number + 1);
        let (id, object) = match self.kind {
            ObjectKind::User => (format!("user-{n}"), Object::from(self.user())),
            ObjectKind::Project => (path(n), Object::from(self.project())),
            ObjectKind::Label => (format!("label-{n}"), Object::from(self.label())),
            ObjectKind::Milestone => ((n + 1).to_string(), Object::from(self.milestone())),
            ObjectKind::Issue => ((n + 1).to_string(), Object::from(self.issue())),
            ObjectKind::ChangeRequest => {
                ((of.issues + n + 1).to_string(), Object::from(self.change_request()))
            }
            ObjectKind::Comment => {
                let about = issue(n / of.comments_per_issue.max(1));
                (comment_id(n), Object::from(self.comment(about)))
            }
            ObjectKind::Review => (review_id(n), Object::from(self.review())),
            ObjectKind::ReviewThread => (thread_id(n), Object::from(self.thread())),
            ObjectKind::ReviewComment => {
                ((4_000_000 + n).to_string(), Object::from(self.review_comment()))
            }
            ObjectKind::Event => ((5_000_000 + n).to_string(), Object::from(self.event())),
            ObjectKind::Reaction => {
                let reaction = self.reaction();
                let login = reaction.author.as_ref().map_or("", |it| it.login.as_str());
                (format!("comment/{}/{login}/+1", comment_id(n * 4)), Object::from(reaction))
            }
            ObjectKind::Release => (format!("v{n}"), Object::from(self.release())),
            // Of these, `Synthetic::count` makes none.
            ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::Member
            | ObjectKind::Topic
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::Attachment
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Snippet
            | ObjectKind::CommitComment
            | ObjectKind::CommitStatus
            | ObjectKind::ReleaseAsset
            | ObjectKind::Board
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
            | ObjectKind::Variable
            | ObjectKind::State => return samples::sample(self.kind, n),
        };
        Record::new(id, object)
    }

    fn user(&self) -> User {
        let identity = Identity {
            login: format!("user-{}", self.n),
            name: Some(format!("User {}", self.n)),
            email: Some(format!("user-{}@example.org", self.n)),
            host: Some("git.example".to_owned()),
            ..Identity::default()
        };
        User { identity, created_at: self.time(0), ..User::default() }
    }

    fn project(&self) -> Project {
        Project {
            path: path(self.n),
            name: format!("App {}", self.n),
            description: Some("Made up".to_owned()),
            default_branch: Some("main".to_owned()),
            created_at: self.time(0),
            ..Project::default()
        }
    }

    fn label(&self) -> Label {
        Label {
            name: format!("label-{}", self.n),
            color: Some(format!("{:06x}", self.draw(0) % 0x100_0000)),
            ..Label::default()
        }
    }

    fn milestone(&self) -> Milestone {
        let (number, title) = (self.n + 1, format!("{}.0", self.n));
        Milestone { number, title, created_at: self.time(0), ..Milestone::default() }
    }

    fn labels(&self) -> Vec<String> {
        let one = |what| format!("label-{}", self.draw(what) % self.of.labels.max(1));
        let mut list: Vec<_> = (0..self.draw(20) % 3).map(|at| one(21 + at)).collect();
        list.retain(|_| self.of.labels > 0);
        list.sort();
        list.dedup();
        list
    }

    fn issue(&self) -> Issue {
        let is_closed = !self.draw(3).is_multiple_of(3);
        Issue {
            number: self.n + 1,
            title: format!("Issue {}: {}", self.n + 1, self.words(6).replace('\n', " ")),
            body: self.text(),
            author: self.person(4),
            state: if is_closed { OpenState::Closed } else { OpenState::Open },
            labels: self.labels(),
            created_at: self.time(0),
            updated_at: self.time(1),
            closed_at: is_closed.then(|| self.time(1)).flatten(),
            ..Issue::default()
        }
    }

    fn change_request(&self) -> ChangeRequest {
        let is_merged = !self.draw(3).is_multiple_of(4);
        let branch =
            |name: String| Branch { name, project: Some(path(self.project)), ..Branch::default() };
        ChangeRequest {
            number: self.of.issues + self.n + 1,
            title: format!("Change {}: {}", self.n, self.words(5).replace('\n', " ")),
            body: self.text(),
            author: self.person(4),
            state: if is_merged { ChangeRequestState::Merged } else { ChangeRequestState::Open },
            base: branch("main".to_owned()),
            head: branch(format!("topic/{}", self.n)),
            labels: self.labels(),
            created_at: self.time(0),
            updated_at: self.time(1),
            merged_at: is_merged.then(|| self.time(1)).flatten(),
            ..ChangeRequest::default()
        }
    }

    fn comment(&self, subject: Subject) -> Comment {
        Comment {
            subject,
            author: self.person(4),
            body: self.text(),
            created_at: self.time(0),
            updated_at: self.time(1),
            ..Comment::default()
        }
    }

    /// Number of the change request that review `n` is of.
    fn reviewed(&self, n: u64) -> u64 {
        self.of.issues + n / self.of.reviews.max(1) + 1
    }

    fn review(&self) -> Review {
        Review {
            change_request: self.reviewed(self.n),
            author: self.person(4),
            body: self.text(),
            verdict: if self.n.is_multiple_of(2) { Verdict::Approved } else { Verdict::Commented },
            created_at: self.time(0),
            submitted_at: self.time(1),
            ..Review::default()
        }
    }

    fn position(&self) -> Position {
        Position {
            path: format!("src/file-{}.rs", self.draw(5) % 40),
            line: Some(self.draw(6) % 400 + 1),
            hunk: Some("@@ -1,2 +1,3 @@\n context\n-old\n+new".to_owned()),
            ..Position::default()
        }
    }

    fn thread(&self) -> ReviewThread {
        ReviewThread {
            change_request: self.reviewed(self.n),
            review: Some(HostId(review_id(self.n))),
            position: self.position(),
            created_at: self.time(0),
            ..ReviewThread::default()
        }
    }

    fn review_comment(&self) -> ReviewComment {
        let review = self.n / 2;
        ReviewComment {
            change_request: self.reviewed(review),
            review: Some(HostId(review_id(review))),
            thread: Some(HostId(thread_id(review))),
            author: self.person(4),
            body: self.text(),
            position: Maker { n: review, kind: ObjectKind::ReviewThread, ..*self }.position(),
            created_at: self.time(0),
            ..ReviewComment::default()
        }
    }

    fn event(&self) -> Event {
        let subject = match self.n.checked_sub(self.of.issues) {
            None => Subject::Issue(self.n + 1),
            Some(n) => Subject::ChangeRequest(self.of.issues + n / 2 + 1),
        };
        Event {
            subject,
            action: if self.n.is_multiple_of(2) { "labeled" } else { "renamed" }.to_owned(),
            actor: self.person(4),
            label: self.n.is_multiple_of(2).then(|| "label-0".to_owned()),
            created_at: self.time(0),
            ..Event::default()
        }
    }

    fn reaction(&self) -> Reaction {
        Reaction {
            subject: Subject::Comment(HostId(comment_id(self.n * 4))),
            author: self.person(4),
            content: "+1".to_owned(),
            created_at: self.time(0),
        }
    }

    fn release(&self) -> Release {
        Release {
            tag: format!("v{}", self.n),
            name: Some(format!("Version {}", self.n)),
            body: self.text(),
            author: self.person(4),
            created_at: self.time(0),
            published_at: self.time(1),
            ..Release::default()
        }
    }
}
