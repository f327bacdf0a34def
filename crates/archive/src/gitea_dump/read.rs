//! Reading: a dump's files become records in a spool, and bytes stay where they are.

use super::{FORMAT, elements, map, people::People, sink::SHAPE, support, wire};
use crate::{
    container::{ArchiveError, Limits, is_repository_file},
    kin::Kin,
    spool::{Contents, Intake, Reading, Spool, SpoolError, Surveyed, copy, version_of_files},
    wire::{Unknown, Wire},
};
use data_encoding::HEXLOWER;
use packhorse_core::{
    Loss, Object, ObjectKind, Origin, RepoKind, Scope, Support,
    model::{Blob, HostId, Subject, Topic},
    port::SourceLoss,
};
use packhorse_git::repository;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::Mutex,
};

/// Directories above a dump's own.
const MAX_DEPTH: usize = 8;
/// Most dumps below one directory.
const MAX_DUMPS: usize = 100_000;

/// Gitea's dumps, to be read.
pub(super) struct Dump;

/// Dumps that were gone through: their directories by project.
pub(super) struct Dumps {
    directories: HashMap<String, PathBuf>,
}

/// The directories of dumps at or below a directory; links are not followed.
fn directories(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), SpoolError> {
    if path.join("repo.yml").is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    if depth == 0 || found.len() >= MAX_DUMPS {
        return Ok(());
    }
    let mut below = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            below.push(entry.path());
        }
    }
    below.sort();
    below.iter().try_for_each(|it| directories(it, depth - 1, found))
}

fn dumps(path: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let mut found = Vec::new();
    directories(path, MAX_DEPTH, &mut found)?;
    Ok(found)
}

impl Reading for Dump {
    type Contents = Dumps;

    const FORMAT: &'static str = FORMAT;

    fn reads(kind: ObjectKind) -> Support {
        support::reads(kind)
    }

    fn version(&self, path: &Path) -> Result<String, SpoolError> {
        version(path)
    }

    fn survey(
        &self,
        path: &Path,
        only: Option<&str>,
        scratch: &Path,
    ) -> Result<Surveyed<Dumps>, SpoolError> {
        survey(path, only, scratch)
    }
}

/// What changes whenever a dump's files do.
pub(super) fn version(path: &Path) -> Result<String, SpoolError> {
    let mut files = Vec::new();
    for dump in dumps(path)? {
        let refs = ["git/packed-refs", "git/refs/heads", "wiki/packed-refs", "comments", "reviews"];
        let lists = ["repo", "topic", "label", "milestone", "issue", "pull_request", "release"];
        let lists = lists.map(|it| format!("{it}.yml"));
        let names = lists.iter().map(String::as_str).chain(refs);
        files.extend(names.map(|it| dump.join(it)).filter(|it| it.exists()));
    }
    version_of_files(&files)
}

/// What was found that has no place.
#[derive(Default)]
struct Odd {
    unknown: Unknown,
    n_elements: u64,
    n_missing: u64,
}

impl Odd {
    fn losses(self) -> Vec<SourceLoss> {
        let loss = |name: &str, why: &str, count: u64| SourceLoss {
            name: name.to_owned(),
            loss: Loss::source(Loss::WHOLE, why),
            count,
        };
        let unknown = self.unknown.counts().iter();
        let why = "it has no place in the model, or is not known";
        let mut losses: Vec<_> = unknown.map(|(name, n)| loss(name, why, *n)).collect();
        for (name, why, count) in [
            ("elements", "they are not as elements of their file are", self.n_elements),
            ("release_assets", "the dump does not have the file", self.n_missing),
        ] {
            if count > 0 {
                losses.push(loss(name, why, count));
            }
        }
        losses
    }
}

/// Reads everything that a location means into a spool.
pub(super) fn survey(
    path: &Path,
    only: Option<&str>,
    scratch: &Path,
) -> Result<Surveyed<Dumps>, SpoolError> {
    if let Some(kin) = Kin::at(path).filter(|it| *it != Kin::Gitea || path.is_file()) {
        return Err(kin.foreign(path).into());
    }
    if path.is_file() {
        return Err(ArchiveError::NotAnArchive {
            file: path.display().to_string(),
            detail: "it is a file, and dumps are directories".to_owned(),
        }
        .into());
    }
    std::fs::create_dir_all(scratch)?;
    let directory = tempfile::Builder::new().prefix("gitea-dump-").tempdir_in(scratch)?;
    let mut intake = Intake::into(Spool::passing(directory.path(), &SHAPE)?);
    let mut contents = Dumps { directories: HashMap::new() };
    let mut odd = Odd::default();
    let all = dumps(path)?;
    if all.is_empty() && std::fs::read_dir(path)?.next().is_some() {
        return Err(ArchiveError::NotAnArchive {
            file: path.display().to_string(),
            detail: "there is no repo.yml in it or below it, so it is not Gitea's".to_owned(),
        }
        .into());
    }
    for dump in all {
        let named = only.filter(|_| dump == path);
        let name = take(&mut intake, &dump, named, &mut odd)?;
        contents.directories.insert(name, dump);
    }
    let spool = intake.end()?;
    let (spool, losses) = (Mutex::new(spool), odd.losses());
    Ok(Surveyed { spool, contents, losses, _directory: directory })
}

/// Takes one dump; gives its project's path.
fn take(
    intake: &mut Intake,
    dump: &Path,
    named: Option<&str>,
    odd: &mut Odd,
) -> Result<String, SpoolError> {
    let file = dump.join("repo.yml");
    let json = elements::whole(&file)?.unwrap_or_default();
    let repository: wire::Repository = serde_json::from_slice(&json)
        .map_err(|it| ArchiveError::malformed("repo.yml", 0, it.to_string()))?;
    let part = |it: &Option<String>| it.clone().filter(|it| !it.is_empty());
    let last = dump.file_name().map(|it| it.to_string_lossy().into_owned());
    let name = part(&repository.name).or(last).unwrap_or_else(|| "repository".to_owned());
    let owner = part(&repository.owner).unwrap_or_else(|| "imported".to_owned());
    let path = named.map_or_else(|| format!("{owner}/{name}"), str::to_owned);
    // SECURITY: wherever it goes, it may be a path there.
    if path.split('/').any(|it| matches!(it, "" | "." | "..")) || path.contains(char::is_control) {
        let member = file.display().to_string();
        let detail = "the owner or the name in it leads somewhere else";
        return Err(ArchiveError::Refused { member, detail }.into());
    }
    let head = repository::head(&dump.join("git"))
        .and_then(|it| it.strip_prefix("refs/heads/").map(str::to_owned));
    let scope = Scope::Project(path.clone());
    let project = map::project(&path, &repository, head);
    intake.take(&scope, &path, Object::from(project))?;
    let own = elements::whole(&dump.join("packhorse.yml"))?;
    let own: wire::Own = own.and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
    let mut people = People::default();
    own.people.iter().for_each(|(id, login)| people.learn(Some(*id), Some(login)));
    let milestones = HashMap::new();
    let bare_reviews = own.bare_reviews.0.iter().copied().collect();
    let numbered_above = own.numbered_above;
    let mut taking = Taking {
        intake,
        scope: &scope,
        dump,
        odd,
        people,
        milestones,
        numbered_above,
        bare_reviews,
    };
    taking.once(&own)?;
    taking.issues()?;
    taking.pull_requests()?;
    taking.releases()?;
    Ok(path)
}

/// Takes the files of one dump into a spool.
struct Taking<'a> {
    intake: &'a mut Intake,
    scope: &'a Scope,
    dump: &'a Path,
    odd: &'a mut Odd,
    people: People,
    milestones: HashMap<String, u64>,
    /// A change request with a larger number had what is left without it, as an issue had.
    numbered_above: u64,
    /// Reviews that were made for what stands in them.
    bare_reviews: HashSet<u64>,
}

impl Taking<'_> {
    fn put(&mut self, record: Option<(String, Object)>) -> Result<(), SpoolError> {
        match record {
            Some((id, object)) => self.intake.take(self.scope, &id, object),
            None => {
                self.odd.n_elements += 1;
                Ok(())
            }
        }
    }

    /// Visits the elements of a file; what is no such element is counted.
    fn each<T: Wire>(
        &mut self,
        file: &str,
        mut visit: impl FnMut(&mut Self, T) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let path = self.dump.join(file);
        let name = file.split(['.', '/']).next().unwrap_or(file).to_owned();
        elements::each(&path, &Limits::of_this_run(), |json| {
            let text = String::from_utf8_lossy(json);
            // It was made of a value, so it is JSON.
            self.odd.unknown.inspect(&name, &T::SHAPE, &text).ok();
            match serde_json::from_slice::<T>(json) {
                Ok(it) => visit(self, it),
                Err(_) => {
                    self.odd.n_elements += 1;
                    Ok(())
                }
            }
        })
    }

    /// Topics, labels, milestones.
    fn once(&mut self, own: &wire::Own) -> Result<(), SpoolError> {
        if let Some(json) = elements::whole(&self.dump.join("topic.yml"))?
            && let Ok(found) = serde_json::from_slice::<wire::Topics>(&json)
        {
            for name in found.topics.0 {
                self.put(Some((name.clone(), Object::from(Topic { name }))))?;
            }
        }
        self.each("label.yml", |it, label: wire::Label| {
            it.put(map::label(label).map(|it| (it.name.clone(), Object::from(it))))
        })?;
        let mut n = 0;
        self.each("milestone.yml", |it, milestone: wire::Milestone| {
            // They have no numbers of their own.
            let number = own.milestones.0.get(n).copied().unwrap_or(n as u64 + 1);
            n += 1;
            let milestone = map::milestone(number, milestone);
            it.milestones.entry(milestone.title.clone()).or_insert(number);
            it.put(Some((number.to_string(), Object::from(milestone))))
        })
    }

    fn reactions(&mut self, list: &[wire::Reaction], about: &Subject) -> Result<(), SpoolError> {
        for it in list {
            let reaction = map::reaction(it, about);
            self.put(reaction.map(|(id, it)| (id, Object::from(it))))?;
        }
        Ok(())
    }

    fn locked(&mut self, subject: &Subject, is_locked: Option<bool>) -> Result<(), SpoolError> {
        match map::locked(subject, is_locked) {
            Some((id, state)) => self.put(Some((id, Object::from(state)))),
            None => Ok(()),
        }
    }

    fn issues(&mut self) -> Result<(), SpoolError> {
        self.each("issue.yml", |this, it: wire::Issue| {
            this.people.learn(it.poster_id, it.poster_name.as_deref());
            let issue = map::issue(&it, &|title| this.milestones.get(title).copied());
            let Some(number) = issue.as_ref().map(|it| it.number) else { return this.put(None) };
            this.put(issue.map(|it| (number.to_string(), Object::from(it))))?;
            let subject = Subject::Issue(number);
            this.locked(&subject, it.is_locked)?;
            this.reactions(&it.reactions.0, &subject)?;
            this.comments(number, &subject)
        })
    }

    fn comments(&mut self, number: u64, subject: &Subject) -> Result<(), SpoolError> {
        self.each(&format!("comments/{number}.yml"), |this, it: wire::Comment| {
            this.people.learn(it.poster_id, it.poster_name.as_deref());
            if !map::is_comment(&it) {
                return this.put(map::event(&it, subject).map(|(id, it)| (id, Object::from(it))));
            }
            let comment = map::comment(&it, subject);
            let about = comment.as_ref().map(|(id, _)| Subject::Comment(HostId(id.clone())));
            this.put(comment.map(|(id, it)| (id, Object::from(it))))?;
            about.map_or(Ok(()), |about| this.reactions(&it.reactions.0, &about))
        })
    }

    fn pull_requests(&mut self) -> Result<(), SpoolError> {
        self.each("pull_request.yml", |this, it: wire::PullRequest| {
            this.people.learn(it.poster_id, it.poster_name.as_deref());
            let Some(file) = it.number else { return this.put(None) };
            let number = match (file.checked_sub(this.numbered_above), this.numbered_above) {
                (Some(own @ 1..), 1..) => own,
                _ => file,
            };
            let it = wire::PullRequest { number: Some(number), ..it };
            let titled = |title: &str| this.milestones.get(title).copied();
            let read = map::change_request(&it, this.scope.key(), &titled);
            this.put(read.map(|it| (number.to_string(), Object::from(it))))?;
            let subject = Subject::ChangeRequest(number);
            this.locked(&subject, it.is_locked)?;
            this.reactions(&it.reactions.0, &subject)?;
            this.comments(file, &subject)?;
            this.reviews(file, number)
        })
    }

    /// Takes the reviews in a file, which are of the change request of that number.
    fn reviews(&mut self, file: u64, number: u64) -> Result<(), SpoolError> {
        self.each(&format!("reviews/{file}.yml"), |this, it: wire::Review| {
            this.people.learn(it.reviewer_id, it.reviewer_name.as_deref());
            let it = wire::Review { issue_index: Some(number), ..it };
            let review = map::review(&it);
            let Some(id) = review.as_ref().map(|(id, _)| id.clone()) else { return this.put(None) };
            let is_own = map::is_own_review(&it);
            if !is_own && it.id.is_none_or(|it| !this.bare_reviews.contains(&it)) {
                this.put(review.map(|(id, it)| (id, Object::from(it))))?;
            }
            let review = (!is_own).then_some(id.as_str());
            for comment in &it.comments.0 {
                let read = map::review_comment(comment, (number, review), &this.people);
                let about = read.as_ref().map(|(id, _)| Subject::ReviewComment(HostId(id.clone())));
                this.put(read.map(|(id, it)| (id, Object::from(it))))?;
                if let Some(about) = about {
                    this.reactions(&comment.reactions.0, &about)?;
                }
            }
            Ok(())
        })
    }

    fn releases(&mut self) -> Result<(), SpoolError> {
        self.each("release.yml", |this, it: wire::Release| {
            this.people.learn(it.publisher_id, it.publisher_name.as_deref());
            let release = map::release(&it);
            let Some(tag) = release.as_ref().map(|it| it.tag.clone()) else {
                return this.put(None);
            };
            this.put(release.map(|it| (it.tag.clone(), Object::from(it))))?;
            it.assets.0.iter().try_for_each(|asset| this.asset(asset, &tag))
        })
    }

    fn asset(&mut self, it: &wire::Asset, tag: &str) -> Result<(), SpoolError> {
        let place = it.download_url.as_deref().and_then(|it| within(self.dump, it));
        let Some((place, file)) =
            place.and_then(|it| Some((it.clone(), elements::open(&it).ok()??)))
        else {
            self.odd.n_missing += 1;
            return Ok(());
        };
        let (sha256, size) = sum(file)?;
        let blob = Blob { size: Some(size), sha256: Some(sha256.clone()) };
        let Some((id, asset)) = map::asset(it, tag, Some(blob)) else { return self.put(None) };
        let origin = Origin::new(ObjectKind::ReleaseAsset, id.clone());
        self.put(Some((id, Object::from(asset))))?;
        let place = place.to_string_lossy().into_owned();
        self.intake.link_at(self.scope, &origin, (sha256, size), place)
    }
}

/// SECURITY: a place that a dump names is below it, and reached by no link.
fn within(dump: &Path, place: &str) -> Option<PathBuf> {
    let mut path = dump.to_owned();
    for part in Path::new(place).components() {
        let Component::Normal(part) = part else { return None };
        path.push(part);
        if std::fs::symlink_metadata(&path).ok()?.is_symlink() {
            return None;
        }
    }
    Some(path)
}

fn sum(mut file: File) -> Result<(String, u64), SpoolError> {
    let (mut sum, mut size, mut piece) = (Sha256::new(), 0, vec![0; 64 << 10]);
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok((HEXLOWER.encode(&sum.finalize()), size));
        }
        sum.update(&piece[..n]);
        size += n as u64;
    }
}

/// Whether a loss of that name means that a dump is not whole, rather than newer.
pub(super) fn is_damage(name: &str) -> bool {
    matches!(name, "elements" | "release_assets")
}

impl Dumps {
    /// How many repositories and wikis there are.
    pub(super) fn n_repositories(&self) -> u64 {
        let kinds = [RepoKind::Code, RepoKind::Wiki];
        let all = self.directories.keys().flat_map(|it| kinds.map(|repo| (it, repo)));
        all.filter(|(it, repo)| self.repository(it, *repo).is_some()).count() as u64
    }

    fn repository(&self, project: &str, repo: RepoKind) -> Option<PathBuf> {
        let name = match repo {
            RepoKind::Code => "git",
            RepoKind::Wiki => "wiki",
        };
        let path = self.directories.get(project)?.join(name);
        let is_plain = std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir());
        (is_plain && repository::is_repository(&path)).then_some(path)
    }
}

impl Contents for Dumps {
    fn open(&self, place: &str, from: u64) -> Result<Box<dyn Read + Send>, ArchiveError> {
        let fail = || ArchiveError::system("open a file of the dump");
        let mut file = File::open(place).map_err(fail())?;
        file.seek(SeekFrom::Start(from)).map_err(fail())?;
        Ok(Box::new(file))
    }

    fn repository_bytes(&self, project: &str, repo: RepoKind) -> Option<u64> {
        self.repository(project, repo).map(|it| repository::size_bytes(&it))
    }

    /// Takes refs and objects alone: configuration, hooks and alternates stay where they are.
    fn unpack(&self, project: &str, repo: RepoKind, to: &Path) -> Result<(), SpoolError> {
        let Some(from) = self.repository(project, repo) else { return Ok(()) };
        repository::init_bare(to, repository::object_format(&from))?;
        for name in repository::files(&from)? {
            let text = name.to_string_lossy();
            if !is_repository_file(&text) || text.ends_with(".patch") {
                continue;
            }
            if let Some(file) = elements::open(&from.join(&name))? {
                let to = to.join(&name);
                if let Some(above) = to.parent() {
                    std::fs::create_dir_all(above)?;
                }
                copy(file, &to)?;
            }
        }
        if let Some(head) = repository::head(&from) {
            repository::set_head(to, &head)?;
        }
        Ok(())
    }
}
