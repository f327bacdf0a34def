//! The dumps, one a project, made of the spool.
//!
//! Each element is JSON on a line of its own, which is YAML: no text needs a quoting of ours.

use super::{
    map::{self, Known},
    people::People,
    wire,
};
use crate::{
    container::is_repository_file,
    key,
    spool::{ScopeRow, Spool, SpoolError, Stored, copy},
};
use packhorse_core::{
    Object, ObjectKind, RepoKind,
    model::{ChangeRequest, HostId, Project, Review, Subject},
};
use packhorse_git::repository;
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// Writes all dumps below a new directory.
pub(super) fn all(spool: &Spool, to: &Path) -> Result<(), SpoolError> {
    spool.index()?;
    fs::create_dir(to)?;
    for scope in spool.projects()? {
        adopt(spool, &scope)?;
        let directory = to.join(&scope.path);
        fs::create_dir_all(&directory)?;
        let people = People::default();
        Dumping { spool, scope: &scope, directory, people, numbered_above: 0 }.write()?;
    }
    Ok(())
}

/// Puts comments on lines whose review did not come into their change request.
pub(super) fn adopt(spool: &Spool, scope: &ScopeRow) -> Result<(), SpoolError> {
    spool.adopt(scope, ObjectKind::ReviewComment, ("review/", ObjectKind::Review), |it| {
        let Object::ReviewComment(it) = it else { return None };
        Some(key::subject(&Subject::ChangeRequest(it.change_request)))
    })
}

/// One project on its way out.
struct Dumping<'a> {
    spool: &'a Spool,
    scope: &'a ScopeRow,
    directory: PathBuf,
    people: People,
    /// The largest number: change requests that have an issue's get it on top of theirs.
    numbered_above: u64,
}

/// A file with a list; one without elements is not made.
struct List {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl List {
    fn put<T: Serialize>(&mut self, element: &T) -> Result<(), SpoolError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                if let Some(above) = self.path.parent() {
                    fs::create_dir_all(above)?;
                }
                self.file.insert(BufWriter::new(File::create(&self.path)?))
            }
        };
        file.write_all(b"- ")?;
        serde_json::to_writer(&mut *file, element).map_err(std::io::Error::from)?;
        Ok(file.write_all(b"\n")?)
    }

    fn end(mut self) -> Result<(), SpoolError> {
        Ok(self.file.iter_mut().try_for_each(Write::flush)?)
    }
}

impl Dumping<'_> {
    fn list(&self, name: &str) -> List {
        List { path: self.directory.join(name), file: None }
    }

    fn whole<T: Serialize>(&self, name: &str, of: &T) -> Result<(), SpoolError> {
        let json = serde_json::to_vec(of).map_err(std::io::Error::from)?;
        Ok(fs::write(self.directory.join(name), [&json[..], b"\n"].concat())?)
    }

    fn write(mut self) -> Result<(), SpoolError> {
        let record = self.spool.record(self.scope, ObjectKind::Project, &self.scope.path)?;
        let project = match record.map(|it| it.object) {
            Some(Object::Project(it)) => *it,
            _ => Project { path: self.scope.path.clone(), ..Project::default() },
        };
        self.whole("repo.yml", &map::write_project(&project))?;
        let mut topics = wire::Topics::default();
        for it in self.spool.all(self.scope, ObjectKind::Topic)? {
            if let Object::Topic(it) = it {
                topics.topics.0.push(it.name);
            }
        }
        self.whole("topic.yml", &topics)?;
        for (repo, name) in REPOSITORIES {
            self.repository(repo, name)?;
        }
        self.numbered_above = self.spool.largest_number(self.scope)?;
        let numbered_above = self.numbered_above;
        let mut own = wire::Own { numbered_above, ..wire::Own::default() };
        self.once(&mut own)?;
        self.issues()?;
        self.change_requests(&mut own)?;
        self.releases()?;
        own.people.clone_from(self.people.all());
        self.whole("packhorse.yml", &own)
    }

    fn once(&mut self, own: &mut wire::Own) -> Result<(), SpoolError> {
        let mut labels = self.list("label.yml");
        self.spool.each(self.scope, ObjectKind::Label, |it| {
            let Object::Label(it) = it.object else { return Ok(()) };
            labels.put(&map::write_label(&it))
        })?;
        labels.end()?;
        let mut milestones = self.list("milestone.yml");
        self.spool.each(self.scope, ObjectKind::Milestone, |it| {
            let Object::Milestone(it) = it.object else { return Ok(()) };
            own.milestones.0.push(it.number);
            milestones.put(&map::write_milestone(&it))
        })?;
        milestones.end()
    }

    fn label(&self, name: &str) -> Option<wire::Label> {
        let found = self.spool.record(self.scope, ObjectKind::Label, name).ok()??;
        if let Object::Label(it) = found.object { Some(map::write_label(&it)) } else { None }
    }

    fn title(&self, number: u64) -> Option<String> {
        let id = number.to_string();
        let found = self.spool.record(self.scope, ObjectKind::Milestone, &id).ok()??;
        if let Object::Milestone(it) = found.object { Some(it.title) } else { None }
    }

    fn reactions(
        &mut self,
        subject: &Subject,
    ) -> Result<crate::wire::List<wire::Reaction>, SpoolError> {
        let mut list = crate::wire::List::default();
        let parent = key::subject(subject);
        for it in self.spool.children(self.scope, ObjectKind::Reaction, &parent)? {
            if let Object::Reaction(it) = it.object {
                list.0.push(map::write_reaction(&it, &mut self.people));
            }
        }
        Ok(list)
    }

    fn is_locked(&self, subject: &Subject) -> Result<Option<bool>, SpoolError> {
        let parent = key::subject(subject);
        let states = self.spool.children(self.scope, ObjectKind::State, &parent)?;
        Ok(Some(!states.is_empty()))
    }

    fn issues(&mut self) -> Result<(), SpoolError> {
        let mut list = self.list("issue.yml");
        let (spool, scope) = (self.spool, self.scope);
        spool.each(scope, ObjectKind::Issue, |it| {
            let Object::Issue(issue) = it.object else { return Ok(()) };
            let subject = Subject::Issue(issue.number);
            let mut people = std::mem::take(&mut self.people);
            let names = Known { title: &|it| self.title(it), label: &|it| self.label(it) };
            let mut row = map::write_issue(&issue, &names, &mut people);
            self.people = people;
            row.is_locked = self.is_locked(&subject)?;
            row.reactions = self.reactions(&subject)?;
            list.put(&row)?;
            self.comments(issue.number, &subject)
        })?;
        list.end()
    }

    /// Writes what was said of something that has that number in the dump.
    fn comments(&mut self, number: u64, subject: &Subject) -> Result<(), SpoolError> {
        let mut list = self.list(&format!("comments/{number}.yml"));
        let (spool, scope, parent) = (self.spool, self.scope, key::subject(subject));
        spool.each_child(scope, ObjectKind::Comment, &parent, |it| {
            let Object::Comment(comment) = &it.object else { return Ok(()) };
            let written = map::write_comment(&it.target, comment, &mut self.people);
            let Some(mut row) = written else { return Ok(()) };
            row.issue_index = Some(number);
            row.reactions = self.reactions(&Subject::Comment(HostId(it.target.clone())))?;
            list.put(&row)
        })?;
        spool.each_child(scope, ObjectKind::Event, &parent, |it| {
            let Object::Event(event) = &it.object else { return Ok(()) };
            let row = map::write_event(&it.target, event, &mut self.people);
            let numbered = |row| wire::Comment { issue_index: Some(number), ..row };
            row.map_or(Ok(()), |row| list.put(&numbered(row)))
        })?;
        list.end()
    }

    /// The number of a change request in the dump: Gitea numbers issues and change requests in one
    /// row, other hosts do not.
    fn number(&self, own: u64) -> Result<u64, SpoolError> {
        let issue = self.spool.record(self.scope, ObjectKind::Issue, &own.to_string())?;
        let other = self.numbered_above.checked_add(own).filter(|_| issue.is_some());
        Ok(other.unwrap_or(own))
    }

    fn change_requests(&mut self, own: &mut wire::Own) -> Result<(), SpoolError> {
        let mut list = self.list("pull_request.yml");
        let (spool, scope) = (self.spool, self.scope);
        spool.each(scope, ObjectKind::ChangeRequest, |it| {
            let Object::ChangeRequest(it) = it.object else { return Ok(()) };
            let subject = Subject::ChangeRequest(it.number);
            let it = ChangeRequest { number: self.number(it.number)?, ..*it };
            let mut people = std::mem::take(&mut self.people);
            let names = Known { title: &|it| self.title(it), label: &|it| self.label(it) };
            let mut row = map::write_change_request(&it, &scope.path, &names, &mut people);
            self.people = people;
            row.is_locked = self.is_locked(&subject)?;
            row.reactions = self.reactions(&subject)?;
            list.put(&row)?;
            // Restoring opens it; Git has what would stand in it.
            let patches = self.directory.join("git/pulls");
            fs::create_dir_all(&patches)?;
            fs::write(patches.join(format!("{}.patch", it.number)), b"")?;
            self.comments(it.number, &subject)?;
            self.reviews(it.number, &subject, own)
        })?;
        list.end()
    }

    /// Writes the reviews of something that has that number in the dump.
    fn reviews(
        &mut self,
        number: u64,
        subject: &Subject,
        own: &mut wire::Own,
    ) -> Result<(), SpoolError> {
        let mut list = self.list(&format!("reviews/{number}.yml"));
        let (spool, scope) = (self.spool, self.scope);
        let parent = key::subject(subject);
        spool.each_child(scope, ObjectKind::Review, &parent, |it| {
            let Object::Review(review) = &it.object else { return Ok(()) };
            let mut row = map::write_review(&it.target, review, &mut self.people);
            row.issue_index = Some(number);
            row.comments = self.lines(&format!("review/{}", it.target))?;
            list.put(&row)
        })?;
        // Those that came without a review have one each.
        spool.each_child(scope, ObjectKind::ReviewComment, &parent, |it| {
            let Object::ReviewComment(comment) = &it.object else { return Ok(()) };
            let line = self.line(&it)?;
            let review = match &comment.review {
                // It did not come, so that nothing is known of it but who said something in it.
                Some(review) => key::number(&review.0),
                None => map::own_review(line.id.unwrap_or_default()),
            };
            let is_new = comment.review.is_some() && own.bare_reviews.0.last() != Some(&review);
            own.bare_reviews.0.extend(is_new.then_some(review));
            let about = Review {
                change_request: number,
                author: comment.author.clone(),
                created_at: comment.created_at,
                ..Review::default()
            };
            let mut row = map::write_review(&review.to_string(), &about, &mut self.people);
            row.comments.0.push(line);
            list.put(&row)
        })?;
        list.end()
    }

    fn lines(
        &mut self,
        parent: &str,
    ) -> Result<crate::wire::List<wire::ReviewComment>, SpoolError> {
        let found = self.spool.children(self.scope, ObjectKind::ReviewComment, parent)?;
        found.iter().map(|it| self.line(it)).collect()
    }

    fn line(&mut self, it: &Stored) -> Result<wire::ReviewComment, SpoolError> {
        let Object::ReviewComment(comment) = &it.object else {
            return Ok(wire::ReviewComment::default());
        };
        let mut row = map::write_review_comment(&it.target, comment, &mut self.people);
        row.reactions = self.reactions(&Subject::ReviewComment(HostId(it.target.clone())))?;
        Ok(row)
    }

    fn releases(&mut self) -> Result<(), SpoolError> {
        let mut list = self.list("release.yml");
        let (spool, scope) = (self.spool, self.scope);
        spool.each(scope, ObjectKind::Release, |it| {
            let Object::Release(release) = it.object else { return Ok(()) };
            let mut row = map::write_release(&release, &mut self.people);
            let parent = format!("release/{}", release.tag);
            for it in spool.children(scope, ObjectKind::ReleaseAsset, &parent)? {
                row.assets.0.extend(self.asset(&it)?);
            }
            list.put(&row)
        })?;
        list.end()
    }

    fn asset(&self, it: &Stored) -> Result<Option<wire::Asset>, SpoolError> {
        let Object::ReleaseAsset(asset) = &it.object else { return Ok(None) };
        let blob = self.spool.blob_of(self.scope, ObjectKind::ReleaseAsset, &it.origin)?;
        let Some(blob) = blob else { return Ok(None) };
        // SECURITY: tags and names come from the source, and may not lead anywhere.
        let tag = plain(&asset.release);
        let mut place = format!("release_assets/{tag}/{}", plain(&asset.name));
        let mut n = 1;
        while self.directory.join(&place).exists() {
            n += 1;
            place = format!("release_assets/{tag}/{n}-{}", plain(&asset.name));
        }
        let to = self.directory.join(&place);
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        copy(File::open(self.spool.blob(&blob.sha256))?, &to)?;
        Ok(map::write_asset(asset, place))
    }

    /// Copies refs and objects, and gives them a configuration of our own making.
    fn repository(&self, repo: RepoKind, name: &str) -> Result<(), SpoolError> {
        let from = self.spool.repository(&self.scope.path, repo);
        let to = self.directory.join(name);
        if !repository::is_repository(&from) {
            if repo == RepoKind::Code {
                repository::init_bare(&to, packhorse_core::model::ObjectFormat::default())?;
            }
            return Ok(());
        }
        repository::init_bare(&to, repository::object_format(&from))?;
        for file in repository::files(&from)? {
            if !is_repository_file(&file.to_string_lossy()) {
                continue;
            }
            let place = to.join(&file);
            if let Some(above) = place.parent() {
                fs::create_dir_all(above)?;
            }
            copy(File::open(from.join(&file))?, &place)?;
        }
        if let Some(head) = repository::head(&from) {
            repository::set_head(&to, &head)?;
        }
        Ok(())
    }
}

/// What is at which name.
///
/// Restoring does not look for a wiki where dumping puts it, but beside what it clones, as at any
/// host: where there is a wiki, it is at both places.
///
/// Source: Gitea, `services/migrations/dump.go`, `wikiPath`; `modules/repository/repo.go`,
/// `WikiRemoteURL`.
const REPOSITORIES: [(RepoKind, &str); 3] =
    [(RepoKind::Code, "git"), (RepoKind::Wiki, "wiki"), (RepoKind::Wiki, "git.wiki.git")];

/// A part of a path that leads nowhere.
fn plain(name: &str) -> String {
    let kept = |it: char| if it.is_control() || "/\\?%#".contains(it) { '_' } else { it };
    let name: String = name.chars().take(60).map(kept).collect();
    if name.trim_matches('.').is_empty() { "file".to_owned() } else { name }
}
