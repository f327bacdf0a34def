//! One row as all the records that it holds.

use super::{
    Odd, People,
    map::{self, change_request, event, issue, note, project, release, review, rule},
    rows::{Json, Rows},
    scan::Found,
    uploads::Uploads,
    wire,
};
use crate::{
    container::ArchiveError,
    spool::{Intake, SpoolError},
    wire::Wire,
};
use packhorse_core::{
    Object, Scope, mark,
    model::{HostId, Place, Subject},
};
use serde_json::error::Category;
use std::collections::{HashMap, HashSet};

/// Labels and milestones of groups that are remembered as taken.
const MAX_REMEMBERED: usize = 100_000;

/// Takes the rows of one project into a spool.
pub(super) struct Taking<'a, 'u> {
    intake: &'a mut Intake,
    scope: &'a Scope,
    people: &'a People,
    uploads: &'a mut Uploads<'u>,
    odd: &'a mut Odd,
    /// What stands in other rows alone, because it is a group's.
    inherited: HashSet<String>,
}

/// The discussions of a row: the first note of each.
type Firsts<'a> = HashMap<&'a str, u64>;

fn firsts(notes: &[wire::Note]) -> Firsts<'_> {
    let mut firsts = HashMap::new();
    for note in notes.iter().filter(|it| !note::is_system(it)) {
        if let (Some(discussion), Some(id)) = (note.discussion_id.as_deref(), note.id) {
            firsts.entry(discussion).or_insert(id);
        }
    }
    firsts
}

fn first_of(it: &wire::Note, firsts: &Firsts<'_>) -> Option<u64> {
    let first = firsts.get(it.discussion_id.as_deref()?)?;
    Some(*first).filter(|first| Some(*first) != it.id)
}

impl<'a, 'u> Taking<'a, 'u> {
    pub(super) fn new(
        intake: &'a mut Intake,
        scope: &'a Scope,
        people: &'a People,
        uploads: &'a mut Uploads<'u>,
        odd: &'a mut Odd,
    ) -> Self {
        Self { intake, scope, people, uploads, odd, inherited: HashSet::new() }
    }

    fn put(&mut self, record: Option<(String, Object)>) -> Result<(), SpoolError> {
        match record {
            Some((id, object)) => self.intake.take(self.scope, &id, object),
            None => {
                self.odd.n_rows += 1;
                Ok(())
            }
        }
    }

    fn files(&mut self, text: Option<&str>, subject: &Subject) -> Result<(), SpoolError> {
        self.uploads.of(text, subject, (self.intake, self.scope))
    }

    /// Parses a row; what is JSON and not such a row is counted.
    fn parse<T: Wire>(&mut self, relation: &str, json: Json<'_>) -> Result<Option<T>, SpoolError> {
        match json.parse(relation, &mut self.odd.unknown) {
            Ok(found) => Ok(found),
            Err(error) if error.classify() == Category::Data => {
                self.odd.n_rows += 1;
                Ok(None)
            }
            Err(error) => Err(ArchiveError::malformed(relation, 0, error.to_string()).into()),
        }
    }

    /// Takes the project itself.
    pub(super) fn project(&mut self, found: &Found) -> Result<(), SpoolError> {
        let mut features = None;
        if let Some(member) = found.relation("project_feature") {
            let mut rows = Rows::open(&found.archive, member)?;
            rows.next(|json| {
                features = self.parse("project_feature", json)?;
                Ok(())
            })?;
        }
        let mut attributes = wire::Project::default();
        let whole = found.project.as_ref().or(found.legacy.as_ref());
        if let Some(member) = whole {
            let from = std::io::BufReader::new(found.archive.member(member, 0)?);
            let mut from = from;
            // Of one with everything in it, the relations are read by themselves.
            let parsed = serde_json::from_reader::<_, wire::Project>(&mut from);
            attributes = parsed.map_err(|it| {
                SpoolError::from(ArchiveError::malformed(&member.name, 0, it.to_string()))
            })?;
        }
        if let Some(member) = &found.project {
            let from = found.archive.member(member, 0)?;
            self.odd.unknown.inspect_from("project", &wire::Project::SHAPE, from).ok();
        }
        let path = self.scope.key().to_owned();
        let read = project::read(&path, &found.origin, &attributes, features.as_ref());
        self.put(Some((path, Object::from(read))))?;
        if let Some(state) = project::archived(&attributes) {
            self.put(Some((crate::key::state(&state), Object::from(state))))?;
        }
        let topics =
            if attributes.topics.0.is_empty() { attributes.tag_list } else { attributes.topics };
        for name in topics.0 {
            let topic = packhorse_core::model::Topic { name: name.clone() };
            self.put(Some((name, Object::from(topic))))?;
        }
        Ok(())
    }

    /// Takes a row of a relation.
    pub(super) fn row(&mut self, relation: &str, json: Json<'_>) -> Result<(), SpoolError> {
        let people = self.people;
        match relation {
            "labels" => {
                let Some(it) = self.parse::<wire::Label>(relation, json)? else { return Ok(()) };
                self.label(it)
            }
            "milestones" => {
                let Some(it) = self.parse::<wire::Milestone>(relation, json)? else {
                    return Ok(());
                };
                self.milestone(it)
            }
            "issues" => {
                let Some(it) = self.parse::<wire::Issue>(relation, json)? else { return Ok(()) };
                self.issue(it)
            }
            "merge_requests" => {
                let Some(it) = self.parse::<wire::MergeRequest>(relation, json)? else {
                    return Ok(());
                };
                self.merge_request(it)
            }
            "snippets" => {
                let Some(it) = self.parse::<wire::Snippet>(relation, json)? else { return Ok(()) };
                self.snippet(it)
            }
            "commit_notes" => {
                let Some(it) = self.parse::<wire::Note>(relation, json)? else { return Ok(()) };
                self.commit_note(&it)
            }
            "releases" => {
                let Some(it) = self.parse::<wire::Release>(relation, json)? else { return Ok(()) };
                self.release(&it)
            }
            "project_members" => {
                let Some(it) = self.parse::<wire::Member>(relation, json)? else { return Ok(()) };
                let member = project::member(&it, &Place::Project, people);
                self.put(member.map(|(id, it)| (id, Object::from(it))))
            }
            "protected_branches" => {
                let Some(it) = self.parse::<wire::ProtectedBranch>(relation, json)? else {
                    return Ok(());
                };
                let rule = rule::read(&it, people);
                self.put(rule.map(|it| (it.pattern.clone(), Object::from(it))))
            }
            "protected_tags" => {
                let Some(it) = self.parse::<wire::ProtectedTag>(relation, json)? else {
                    return Ok(());
                };
                let rule = rule::read_tag(&it, people);
                self.put(rule.map(|it| (it.pattern.clone(), Object::from(it))))
            }
            "boards" => {
                let Some(it) = self.parse::<wire::Board>(relation, json)? else { return Ok(()) };
                let board = project::board(it);
                self.put(board.map(|(id, it)| (id, Object::from(it))))
            }
            "ci_pipelines" | "pipelines" => {
                let Some(it) = self.parse::<wire::Pipeline>("ci_pipelines", json)? else {
                    return Ok(());
                };
                self.pipeline(&it)
            }
            // Read with the project, or before everything else.
            "project_feature" | "user_contributions" => Ok(()),
            _ if matches!(json, Json::Whole(b"null")) => Ok(()),
            other => {
                let name = other.chars().take(64).collect();
                self.odd.unknown.note(name, 1);
                Ok(())
            }
        }
    }

    fn label(&mut self, it: wire::Label) -> Result<(), SpoolError> {
        let label = map::label(it).map(|it| (it.name.clone(), Object::from(it)));
        self.put(label)
    }

    fn milestone(&mut self, it: wire::Milestone) -> Result<(), SpoolError> {
        let milestone = map::milestone(it);
        self.put(milestone.map(|it| (it.number.to_string(), Object::from(it))))
    }

    /// Takes what is a group's, and stands nowhere but in what has it.
    fn inherited(
        &mut self,
        links: Vec<wire::LabelLink>,
        milestone: Option<wire::Milestone>,
    ) -> Result<(), SpoolError> {
        let is_groups = |it: &wire::Label| it.r#type.as_deref() == Some("GroupLabel");
        for label in links.into_iter().filter_map(|it| it.label).filter(is_groups) {
            if self.is_new(format!("label/{}", label.title.as_deref().unwrap_or_default())) {
                self.label(label)?;
            }
        }
        if let Some(milestone) = milestone.filter(|it| it.group_id.is_some())
            && self.is_new(format!("milestone/{:?}", milestone.id.or(milestone.iid)))
        {
            self.milestone(milestone)?;
        }
        Ok(())
    }

    fn is_new(&mut self, key: String) -> bool {
        if self.inherited.len() >= MAX_REMEMBERED {
            return !self.inherited.contains(&key);
        }
        self.inherited.insert(key)
    }

    fn reactions(&mut self, list: &[wire::Award], subject: &Subject) -> Result<(), SpoolError> {
        for it in list {
            let reaction = map::reaction(it, subject, self.people);
            self.put(reaction.map(|(id, it)| (id, Object::from(it))))?;
        }
        Ok(())
    }

    fn locked(&mut self, subject: &Subject, is_locked: Option<bool>) -> Result<(), SpoolError> {
        match issue::locked(subject.clone(), is_locked) {
            Some(state) => self.put(Some((crate::key::state(&state), Object::from(state)))),
            None => Ok(()),
        }
    }

    fn events(
        &mut self,
        subject: &Subject,
        states: &[wire::StateEvent],
        labels: &[wire::LabelEvent],
        milestones: &[wire::MilestoneEvent],
    ) -> Result<(), SpoolError> {
        let people = self.people;
        let states = states.iter().filter_map(|it| event::state(it, subject, people));
        let labels = labels.iter().filter_map(|it| event::label(it, subject, people));
        let milestones = milestones.iter().filter_map(|it| event::milestone(it, subject, people));
        for (id, event) in states.chain(labels).chain(milestones) {
            self.put(Some((id, Object::from(event))))?;
        }
        Ok(())
    }

    /// Takes a note that is no comment on a line.
    fn note(
        &mut self,
        it: &wire::Note,
        subject: &Subject,
        firsts: &Firsts<'_>,
    ) -> Result<(), SpoolError> {
        if note::is_system(it) {
            return match event::noted(it, subject, self.people) {
                Some((id, event)) => self.put(Some((id, Object::from(event)))),
                None => Ok(()),
            };
        }
        let comment = note::comment(it, subject, first_of(it, firsts), self.people);
        let about = comment.as_ref().map(|(id, _)| Subject::Comment(HostId(id.clone())));
        self.put(comment.map(|(id, it)| (id, Object::from(it))))?;
        let Some(about) = about else { return Ok(()) };
        self.files(it.note.as_deref(), &about)?;
        self.reactions(&it.award_emoji.0, &about)
    }

    fn issue(&mut self, mut it: wire::Issue) -> Result<(), SpoolError> {
        let read = issue::read(&it, self.people);
        let Some(subject) = read.as_ref().map(|it| Subject::Issue(it.number)) else {
            return self.put(None);
        };
        self.put(read.map(|it| (it.number.to_string(), Object::from(it))))?;
        let links = std::mem::take(&mut it.label_links.0);
        self.inherited(links, it.milestone.take())?;
        self.files(it.description.as_deref(), &subject)?;
        self.locked(&subject, it.discussion_locked)?;
        self.reactions(&it.award_emoji.0, &subject)?;
        let (states, labels) = (&it.resource_state_events.0, &it.resource_label_events.0);
        self.events(&subject, states, labels, &it.resource_milestone_events.0)?;
        let firsts = firsts(&it.notes.0);
        it.notes.0.iter().try_for_each(|note| self.note(note, &subject, &firsts))
    }

    fn merge_request(&mut self, mut it: wire::MergeRequest) -> Result<(), SpoolError> {
        let read = change_request::read(&it, self.scope.key(), self.people);
        let Some(number) = read.as_ref().map(|it| it.number) else { return self.put(None) };
        let subject = Subject::ChangeRequest(number);
        self.put(read.map(|it| (it.number.to_string(), Object::from(it))))?;
        let links = std::mem::take(&mut it.label_links.0);
        self.inherited(links, it.milestone.take())?;
        self.files(it.description.as_deref(), &subject)?;
        self.locked(&subject, it.discussion_locked)?;
        self.reactions(&it.award_emoji.0, &subject)?;
        let (states, labels) = (&it.resource_state_events.0, &it.resource_label_events.0);
        self.events(&subject, states, labels, &it.resource_milestone_events.0)?;
        self.said(&it, number)
    }

    /// Takes verdicts, threads and comments.
    fn said(&mut self, it: &wire::MergeRequest, number: u64) -> Result<(), SpoolError> {
        let people = self.people;
        let subject = Subject::ChangeRequest(number);
        let firsts = firsts(&it.notes.0);
        let approves = |id: u64| it.approvals.0.iter().any(|it| it.id == Some(id));
        let mut reviewed = HashSet::new();
        let mut threads: Vec<(&str, Vec<&wire::Note>)> = Vec::new();
        let mut at: HashMap<&str, usize> = HashMap::new();
        for note in &it.notes.0 {
            let is_marked = note.note.as_deref().and_then(mark::parse).is_some();
            if is_marked
                && let Some((id, review)) = review::from_note(note, number, approves, people)
            {
                let about = Subject::Review(HostId(id.clone()));
                reviewed.insert(id.clone());
                self.put(Some((id, Object::from(review))))?;
                self.files(note.note.as_deref(), &about)?;
                self.reactions(&note.award_emoji.0, &about)?;
            } else if note::is_in_diff(note)
                && !note::is_system(note)
                && note.discussion_id.is_some()
            {
                let discussion = note.discussion_id.as_deref().unwrap_or_default();
                let n = *at.entry(discussion).or_insert_with(|| {
                    threads.push((discussion, Vec::new()));
                    threads.len() - 1
                });
                threads[n].1.push(note);
            } else {
                self.note(note, &subject, &firsts)?;
            }
        }
        for approval in &it.approvals.0 {
            let review = review::approval(approval, number, people);
            if review.as_ref().is_none_or(|(id, _)| !reviewed.contains(id)) {
                self.put(review.map(|(id, it)| (id, Object::from(it))))?;
            }
        }
        for (discussion, notes) in threads {
            self.thread((discussion, number), &notes, &firsts)?;
        }
        Ok(())
    }

    fn thread(
        &mut self,
        (discussion, number): (&str, u64),
        notes: &[&wire::Note],
        firsts: &Firsts<'_>,
    ) -> Result<(), SpoolError> {
        let thread = review::thread(notes, number, self.people);
        self.put(thread.map(|it| (discussion.to_owned(), Object::from(it))))?;
        for note in notes {
            let first = first_of(note, firsts);
            let comment = review::comment(note, (number, discussion), first, self.people);
            let Some((id, comment)) = comment else {
                self.put(None)?;
                continue;
            };
            let about = Subject::ReviewComment(HostId(id.clone()));
            self.put(Some((id, Object::from(comment))))?;
            self.files(note.note.as_deref(), &about)?;
            self.reactions(&note.award_emoji.0, &about)?;
        }
        Ok(())
    }

    fn snippet(&mut self, it: wire::Snippet) -> Result<(), SpoolError> {
        let read = project::snippet(&it, self.people);
        let Some(subject) = read.as_ref().map(|(id, _)| Subject::Snippet(HostId(id.clone())))
        else {
            return self.put(None);
        };
        self.put(read.map(|(id, it)| (id, Object::from(it))))?;
        self.files(it.description.as_deref(), &subject)?;
        self.reactions(&it.award_emoji.0, &subject)?;
        let firsts = firsts(&it.notes.0);
        it.notes.0.iter().try_for_each(|note| self.note(note, &subject, &firsts))
    }

    fn commit_note(&mut self, it: &wire::Note) -> Result<(), SpoolError> {
        if note::is_system(it) {
            self.odd.unknown.note("commit_notes (of the server)".to_owned(), 1);
            return Ok(());
        }
        let comment = note::commit_comment(it, self.people);
        let about = comment.as_ref().map(|(id, _)| Subject::CommitComment(HostId(id.clone())));
        self.put(comment.map(|(id, it)| (id, Object::from(it))))?;
        let Some(about) = about else { return Ok(()) };
        self.files(it.note.as_deref(), &about)?;
        self.reactions(&it.award_emoji.0, &about)
    }

    fn release(&mut self, it: &wire::Release) -> Result<(), SpoolError> {
        let read = release::read(it, self.people);
        let Some(tag) = read.as_ref().map(|it| it.tag.clone()) else { return self.put(None) };
        self.put(read.map(|it| (it.tag.clone(), Object::from(it))))?;
        self.files(it.description.as_deref(), &Subject::Release(tag.clone()))?;
        for link in &it.links.0 {
            let asset = release::link(link, &tag);
            self.put(asset.map(|(id, it)| (id, Object::from(it))))?;
        }
        Ok(())
    }

    fn pipeline(&mut self, it: &wire::Pipeline) -> Result<(), SpoolError> {
        for stage in &it.stages.0 {
            let all =
                [&stage.statuses, &stage.builds, &stage.generic_commit_statuses, &stage.bridges];
            for status in all.into_iter().flat_map(|it| &it.0) {
                let status = project::status(status, it, self.people);
                self.put(status.map(|(id, it)| (id, Object::from(it))))?;
            }
        }
        Ok(())
    }
}
