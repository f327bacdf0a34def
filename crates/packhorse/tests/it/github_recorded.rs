//! One repository of GitHub's, read in two ways: from recorded answers of its API, and from the
//! archive that GitHub exported of it. What both tell must be the same.
//!
//! Both are other people's data and no part of the project, so the tests look
//! for them in `PACKHORSE_FIXTURES`, or in the shared folder beside the
//! repository, and say so when they are not there.

use packhorse_core::{
    Access, Lane, Location, Object, ObjectKind, OpenContext, Record, Scope,
    model::Time,
    port::{Page, Source},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
};

const PROJECT: &str = "go-gitea/test_repo";

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
fn fixture(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let path = std::env::var_os("PACKHORSE_FIXTURES").map_or_else(beside, PathBuf::from);
    let path = path.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no recorded data in {}; set PACKHORSE_FIXTURES", path.display());
    None
}

/// Recorded answers by path; pages of one listing are put together.
struct Recordings(BTreeMap<String, Value>);

impl Recordings {
    fn read() -> Option<Self> {
        let folder = "forgejo-recorded/services/migrations/testdata/github/full_download";
        let mut files: Vec<_> =
            fs::read_dir(fixture(folder)?).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        let mut answers: BTreeMap<String, Value> = BTreeMap::new();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let path = name.strip_prefix("GET_").unwrap().replace("%2F", "/").replace("%3F", "?");
            let path = path.split('?').next().unwrap().to_owned();
            let text = fs::read_to_string(&file).unwrap().replace('\r', "");
            let body = text.split_once("\n\n").unwrap().1;
            let body: Value = serde_json::from_str(body).unwrap();
            match (answers.get_mut(&path), body) {
                (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
                (_, body) => {
                    answers.insert(path, body);
                }
            }
        }
        let mut recordings = Self(answers);
        recordings.gather("issues/comments", |path| path.ends_with("/issues/2/comments"));
        recordings.gather("pulls/comments", |path| {
            path.contains("/reviews/") && path.ends_with("/comments")
        });
        recordings.add_change_requests_to_issues();
        Some(recordings)
    }

    /// Change requests are issues too; of the listing of issues only the first page was recorded.
    fn add_change_requests_to_issues(&mut self) {
        let requests = self.0[&format!("/repos/{PROJECT}/pulls")].as_array().unwrap().clone();
        let issues = self.0.get_mut(&format!("/repos/{PROJECT}/issues")).unwrap();
        issues.as_array_mut().unwrap().extend(
            requests.into_iter().map(
                |it| json!({"number": it["number"], "title": it["title"], "pull_request": {}}),
            ),
        );
    }

    /// The API lists for the whole project what was recorded under each parent.
    fn gather(&mut self, name: &str, is_part: impl Fn(&str) -> bool) {
        let parts = self.0.iter().filter(|(path, _)| is_part(path));
        let all: Vec<Value> = parts.flat_map(|(_, it)| it.as_array().unwrap().clone()).collect();
        self.0.insert(format!("/repos/{PROJECT}/{name}"), json!(all));
    }

    /// Answers on loopback until the test ends; gives the address.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let recordings = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let recordings = Arc::clone(&recordings);
                std::thread::spawn(move || recordings.answer(stream));
            }
        });
        address
    }

    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                return;
            }
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let target = first.split(' ').nth(1).unwrap();
            let path = target.split('?').next().unwrap();
            let (status, body) = match self.0.get(path) {
                Some(body) => ("200 OK", body.to_string()),
                None => ("404 Not Found", r#"{"message": "Not Found"}"#.to_owned()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let stream = reader.get_mut();
            if stream.write_all((head + &body).as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn open(spec: &packhorse_core::HostSpec, location: &str) -> Arc<dyn Source> {
    let location: Location = location.parse().unwrap();
    let scratch = std::env::temp_dir();
    let context = OpenContext { scratch, access: Access::Read, resume: false };
    (spec.open)(&location, &context).unwrap().source.unwrap()
}

async fn records(source: &dyn Source, kind: ObjectKind) -> Vec<Record> {
    let lane = Lane::new(Scope::Project(PROJECT.to_owned()), kind);
    let (mut all, mut at) = (Vec::new(), None);
    loop {
        let Page { records, next } = source.read(&lane, at.as_ref()).await.unwrap();
        all.extend(records);
        match next {
            Some(next) => at = Some(next),
            None => return all,
        }
    }
}

/// What the two do not tell alike although both tell it.
///
/// The answers were recorded almost three years after the export.
const TOLD_OTHERWISE: &[(ObjectKind, &str)] = &[
    // Moments at which anything changed: recorded at different times.
    (ObjectKind::Issue, "updated_at"),
    (ObjectKind::Milestone, "updated_at"),
    (ObjectKind::Comment, "updated_at"),
    // The archive tells the day, the API the hour too, which is the Pacific's midnight.
    (ObjectKind::Milestone, "due_at"),
    // A thread is called as its first comment by the API, and has an id of its own in the archive.
    (ObjectKind::ReviewComment, "thread"),
];

/// Whether two moments are one, told under different offsets.
fn is_one_moment(one: &Value, two: &Value) -> bool {
    let time = |it: &Value| it.as_str().and_then(|it| it.parse::<Time>().ok());
    time(one).zip(time(two)).is_some_and(|(one, two)| one.to_utc() == two.to_utc())
}

/// A name of a record that is the same in both: the API's reactions and releases have ids of
/// their own, the archive's have none.
fn key(record: &Record) -> String {
    if let Object::Reaction(it) = &record.object {
        let who = it.author.as_ref().map(|it| it.login.as_str());
        format!("{:?} {who:?} {}", it.subject, it.content)
    } else if let Object::Release(it) = &record.object {
        it.tag.clone()
    } else {
        record.origin.id.clone()
    }
}

/// Holds what both tell against each other.
fn compare(at: &str, one: &Value, two: &Value, differences: &mut Vec<String>) {
    match (one, two) {
        (Value::Object(one), Value::Object(two)) => {
            for (name, one) in one {
                let two = two.get(name).unwrap_or(&Value::Null);
                compare(&format!("{at}.{name}"), one, two, differences);
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                compare(&format!("{at}[{index}]"), one, two, differences);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (one, two) if one == two || is_one_moment(one, two) => {}
        // The archive does not tell organizations from people where it names one.
        (_, two) if at.ends_with(".owner.kind") && two == "person" => {}
        (one, two) => differences.push(format!("{at}: {one} by the API, {two} in the archive")),
    }
}

fn fields(record: &Record) -> Value {
    let mut value = serde_json::to_value(&record.object).unwrap();
    let mut fields = value["value"].take();
    for (kind, field) in TOLD_OTHERWISE {
        if *kind == record.origin.kind {
            fields[field] = Value::Null;
        }
    }
    // The API's address is a loopback one here.
    let text = fields.to_string().replace("127.0.0.1", "github.com");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_and_the_archive_tell_the_same_of_one_repository() {
    let archive = "github-real-archive/migration_archive_test_repo.redacted.tar.gz";
    let (Some(recordings), Some(archive)) = (Recordings::read(), fixture(archive)) else { return };
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("real.tar.gz");
    fs::copy(archive, &copy).unwrap();
    let home = recordings.serve();
    let host = packhorse_hosts::named("github").unwrap();
    let api = open(host, &format!("github:{home}/{PROJECT}?api={home}"));
    let format =
        packhorse_archive::FORMATS.iter().find(|it| it.is_named("github-archive")).unwrap();
    let archive = open(format, &format!("github-archive:{}", copy.display()));
    archive.inventory(&Scope::Shared).await.unwrap();

    let mut differences = Vec::new();
    for (kind, count) in [
        (ObjectKind::Label, 9),
        (ObjectKind::Milestone, 2),
        (ObjectKind::Issue, 2),
        (ObjectKind::ChangeRequest, 2),
        (ObjectKind::Review, 6),
        (ObjectKind::ReviewComment, 2),
        (ObjectKind::Comment, 2),
        (ObjectKind::Reaction, 10),
        (ObjectKind::Release, 1),
    ] {
        let by = |list: Vec<Record>| -> BTreeMap<String, Record> {
            list.into_iter().map(|it| (key(&it), it)).collect()
        };
        let one = by(records(&*api, kind).await);
        let two = by(records(&*archive, kind).await);
        let names = |it: &BTreeMap<String, Record>| -> BTreeSet<String> {
            it.keys().map(|it| it.replace("127.0.0.1", "github.com")).collect()
        };

        assert_eq!((names(&one), one.len()), (names(&two), count), "{kind}");
        for (name, record) in &one {
            compare(
                &format!("{kind} {name}"),
                &fields(record),
                &fields(&two[name]),
                &mut differences,
            );
        }
    }
    assert_eq!(differences, Vec::<String>::new());
}
