//! What a fake host holds: the model's own structs, each under a number of the host's.
//!
//! A fake maps between this and its product's words. That the state is the
//! canonical model means that it can be filled and read back without an API; it
//! does not mean that a fake keeps what its product cannot: what comes in over
//! the API holds what the API can say, and no more.

mod git;
mod held;
mod objects;
mod relink;

pub(crate) use git::copy;
pub use git::{NoRefs, Refs};
pub use held::Held;
use packhorse_core::{
    Object, ObjectKind, Origin, Record, Scope,
    model::{Identity, IdentityKind, Project, Time, User},
};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// One object, under the host's own number.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The host's number; unique among the kind, and among comments of all sorts.
    pub id: u64,
    /// The object.
    pub object: Object,
}

type Shelf = BTreeMap<ObjectKind, Vec<Entry>>;

/// The kind whose row of ids a kind shares: hosts number comments of all sorts in one row.
///
/// Source: one table `comment` at Gitea, one of `notes` at GitLab, and `comments/{id}` of a pull
/// request at both Bitbuckets. That no two have the same id hurts nobody at GitHub.
fn row(kind: ObjectKind) -> ObjectKind {
    match kind == ObjectKind::ReviewComment {
        true => ObjectKind::Comment,
        false => kind,
    }
}

/// Everything that a fake host holds.
#[derive(Debug)]
pub struct Store {
    shelves: BTreeMap<Scope, Shelf>,
    last_ids: HashMap<ObjectKind, u64>,
    numbers: HashMap<(String, &'static str), u64>,
    aliases: HashMap<(Scope, ObjectKind, String), u64>,
    root: PathBuf,
    clock: Option<Time>,
    /// Projects that were pushed to and are told as empty, with how often they still are.
    unnoticed: HashMap<String, u32>,
    /// What a host keeps beside the model, by its own name, such as jobs that it works on.
    pub aside: BTreeMap<String, serde_json::Value>,
}

impl Store {
    /// An empty store with its repositories and blobs below a directory.
    pub fn new(root: &Path) -> Self {
        Self {
            shelves: BTreeMap::new(),
            last_ids: HashMap::new(),
            numbers: HashMap::new(),
            aliases: HashMap::new(),
            root: root.to_owned(),
            clock: None,
            unnoticed: HashMap::new(),
            aside: BTreeMap::new(),
        }
    }

    /// Where somebody puts the archives that the host is to take.
    pub fn imports(&self) -> PathBuf {
        self.root.join("import")
    }

    /// The moment that new objects are made: the clock's, or the one that was set.
    pub fn now(&self) -> Option<Time> {
        let millis = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
            Time::from_millis(i64::try_from(since.as_secs()).ok()? * 1000)
        };
        self.clock.or_else(millis)
    }

    /// Stops the clock at a moment.
    pub fn stop_clock(&mut self, at: Time) {
        self.clock = Some(at);
    }

    /// Puts records in their places, without any API. References by id are kept whole.
    ///
    /// Records keep their own number where they have one and it is free.
    pub fn fill(&mut self, records: impl IntoIterator<Item = (Scope, Record)>) {
        self.put_all(records, |store, kind, record| {
            let wanted = record.origin.id.parse().ok().filter(|id| store.is_free(kind, *id));
            wanted.unwrap_or_else(|| store.next_id(kind))
        });
    }

    /// The same of an archive's records, which get numbers of the host, as at any importer.
    pub(crate) fn import(&mut self, records: impl IntoIterator<Item = (Scope, Record)>) {
        self.put_all(records, |store, kind, _| store.next_id(kind));
    }

    fn put_all(
        &mut self,
        records: impl IntoIterator<Item = (Scope, Record)>,
        id_of: impl Fn(&mut Self, ObjectKind, &Record) -> u64,
    ) {
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_by_key(|(_, record)| record.object.kind());
        for (scope, record) in records {
            let kind = record.object.kind();
            let id = id_of(self, kind, &record);
            let mut object = record.object;
            let aliases = &self.aliases;
            relink::relink(&mut object, &|kind, id| {
                aliases.get(&(scope.clone(), kind, id.to_owned())).copied()
            });
            self.put(&scope, id, object);
            self.aliases.insert((scope, kind, record.origin.id), id);
        }
    }

    fn is_free(&self, kind: ObjectKind, id: u64) -> bool {
        let row = row(kind);
        let shelves = self.shelves.values().flatten().filter(|(kind, _)| self::row(**kind) == row);
        id > 0 && !shelves.flat_map(|(_, shelf)| shelf).any(|it| it.id == id)
    }

    fn next_id(&mut self, kind: ObjectKind) -> u64 {
        let last = self.last_ids.entry(row(kind)).or_insert(1_000);
        *last += 1;
        *last
    }

    fn put(&mut self, scope: &Scope, id: u64, object: Object) {
        let kind = object.kind();
        let last = self.last_ids.entry(row(kind)).or_insert(1_000);
        *last = id.max(*last);
        if let Object::Issue(it) = &object {
            self.reserve(scope, "issue", it.number);
        } else if let Object::ChangeRequest(it) = &object {
            self.reserve(scope, "change_request", it.number);
        } else if let Object::Discussion(it) = &object {
            self.reserve(scope, "discussion", it.number);
        } else if let Object::Milestone(it) = &object {
            self.reserve(scope, "milestone", it.number);
        }
        let shelf = self.shelves.entry(scope.clone()).or_default();
        shelf.entry(kind).or_default().push(Entry { id, object });
    }

    fn reserve(&mut self, scope: &Scope, row: &'static str, number: u64) {
        let last = self.numbers.entry((scope.key().to_owned(), row)).or_default();
        *last = number.max(*last);
    }

    /// The next number in rows that share their numbers, such as `issue` and `change_request`.
    pub fn next_number(&self, project: &str, rows: &[&'static str]) -> u64 {
        let last = |row: &&'static str| self.numbers.get(&(project.to_owned(), *row)).copied();
        rows.iter().filter_map(last).max().unwrap_or(0) + 1
    }

    /// Adds an object under a new number; gives the number.
    pub fn add<T: Held>(&mut self, scope: &Scope, it: T) -> u64 {
        let id = self.next_id(T::KIND);
        self.put(scope, id, it.into());
        id
    }

    /// The number that a filled record got.
    pub fn id_of(&self, scope: &Scope, origin: &Origin) -> Option<u64> {
        self.aliases.get(&(scope.clone(), origin.kind, origin.id.clone())).copied()
    }

    /// All of a kind in a scope, in the order they came.
    pub fn all<T: Held + 'static>(&self, scope: &Scope) -> impl Iterator<Item = (u64, &T)> {
        self.entries(scope, T::KIND).iter().filter_map(|it| Some((it.id, T::of(&it.object)?)))
    }

    /// The entries of a kind in a scope, in the order they came.
    pub fn entries(&self, scope: &Scope, kind: ObjectKind) -> &[Entry] {
        self.shelves.get(scope).and_then(|it| it.get(&kind)).map_or(&[], Vec::as_slice)
    }

    /// The object of a kind and number.
    pub fn get<T: Held + 'static>(&self, scope: &Scope, id: u64) -> Option<&T> {
        self.all::<T>(scope).find(|(own, _)| *own == id).map(|(_, it)| it)
    }

    /// The object of a kind and number, to change it.
    pub fn get_mut<T: Held>(&mut self, scope: &Scope, id: u64) -> Option<&mut T> {
        let entries = self.shelves.get_mut(scope)?.get_mut(&T::KIND)?;
        T::of_mut(&mut entries.iter_mut().find(|it| it.id == id)?.object)
    }

    /// The first of a kind that is as asked.
    pub fn find<T: Held + 'static>(
        &self,
        scope: &Scope,
        is: impl Fn(&T) -> bool,
    ) -> Option<(u64, &T)> {
        self.all::<T>(scope).find(|(_, it)| is(it))
    }

    /// Takes away the object of a kind and number; whether it was there.
    pub fn remove<T: Held>(&mut self, scope: &Scope, id: u64) -> bool {
        let entries = self.shelves.get_mut(scope).and_then(|it| it.get_mut(&T::KIND));
        let Some(entries) = entries else { return false };
        let before = entries.len();
        entries.retain(|it| it.id != id);
        entries.len() < before
    }

    /// Takes away all of a kind that are as told.
    pub fn remove_where<T: Held>(&mut self, scope: &Scope, is: impl Fn(&T) -> bool) {
        if let Some(entries) = self.shelves.get_mut(scope).and_then(|it| it.get_mut(&T::KIND)) {
            entries.retain(|it| !T::of(&it.object).is_some_and(&is));
        }
    }

    /// The records of a kind, with the host's numbers as ids.
    pub fn records(&self, scope: &Scope, kind: ObjectKind) -> Vec<Record> {
        let record = |it: &Entry| Record::new(it.id.to_string(), it.object.clone());
        self.entries(scope, kind).iter().map(record).collect()
    }

    /// The scopes that hold anything.
    pub fn scopes(&self) -> Vec<Scope> {
        self.shelves.keys().cloned().collect()
    }

    /// The project of a path, whatever the case of its letters, with its scope.
    pub fn project(&self, path: &str) -> Option<(u64, &Project, Scope)> {
        let found = self.find::<Project>(&Scope::Shared, |it| it.path.eq_ignore_ascii_case(path));
        found.map(|(id, it)| (id, it, Scope::Project(it.path.clone())))
    }

    /// Takes a project away with all that is in it.
    pub fn remove_project(&mut self, path: &str) {
        self.remove_where::<Project>(&Scope::Shared, |it| it.path == path);
        self.shelves.remove(&Scope::Project(path.to_owned()));
        self.numbers.retain(|(project, _), _| project != path);
        self.unnoticed.remove(path);
        for suffix in ["git", "wiki.git"] {
            drop(std::fs::remove_dir_all(self.root.join(format!("git/{path}.{suffix}"))));
        }
    }

    /// The number of the account of that name; an account that is only mentioned gets one too.
    pub fn user(&mut self, identity: &Identity) -> u64 {
        let login = identity.login.as_str();
        let known =
            self.find::<User>(&Scope::Shared, |it| it.identity.login.eq_ignore_ascii_case(login));
        if let Some((id, _)) = known {
            return id;
        }
        let user = User { identity: identity.clone(), ..User::default() };
        self.add(&Scope::Shared, user)
    }

    /// The account of that name.
    pub fn known_user(&self, login: &str) -> Option<(u64, &User)> {
        self.find::<User>(&Scope::Shared, |it| it.identity.login.eq_ignore_ascii_case(login))
    }

    /// A number for an account that need not be known, the same for the same name.
    pub fn user_id(&self, identity: &Identity) -> u64 {
        if let Some((id, _)) = self.known_user(&identity.login) {
            return id;
        }
        if identity.kind == IdentityKind::Deleted {
            return 10_137;
        }
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        identity.login.bytes().fold(0xcbf2_9ce4_8422_2325, hash) >> 36 | 1 << 28
    }

    /// Where a blob lies or will lie.
    pub fn blob(&self, name: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        self.root.join("blobs").join(name.chars().map(safe).collect::<String>())
    }

    /// Stores a blob by name.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn save_blob(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.blob(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, bytes)
    }
}

/// The name of the blob of a release's file, by its number in a project.
pub fn asset_blob(project: &str, id: u64) -> String {
    format!("asset-{project}-{id}")
}

/// The name of the blob of an attachment, by its number in a project.
pub fn attachment_blob(project: &str, id: u64) -> String {
    format!("attachment-{project}-{id}")
}

#[cfg(test)]
mod tests;
