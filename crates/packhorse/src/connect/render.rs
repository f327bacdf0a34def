//! `connect render`: writes the section for an external repository beside the old one, which is
//! commented out.

use super::{
    difference::difference,
    entry::{self, PATTERN},
    file::{self, Lines, behind, indent, scalar},
};
use crate::{
    cli::{Render, Switch},
    error::{AppError, Status},
    projects::host::{ApiType, home},
    terminal,
};
use packhorse_core::{Secret, model::Time};
use serde_json::Value;
use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// How the platform is told of a new host.
const RESTART: &str = "\
  sudo gravity enter
  kubectl get pods | grep ap- | cut -d' ' -f1 | xargs kubectl delete pods";
/// How its own Git server is told of how people log in.
const RESTART_SERVER: &str = "  kubectl delete pod -l 'app=ap-git-storage'";

/// Shows what would change, asks, and writes it.
pub(super) fn run(arguments: &Render) -> Result<Status, AppError> {
    let (old, values) = Lines::read(&arguments.file)?;
    let mut answers = Answers::new();
    let mut new = old.clone();
    let mut commands = Vec::new();
    if let Some(kind) = &arguments.kind {
        let wanted = wanted(arguments, kind, &mut answers)?;
        replace(&mut new, &wanted)?;
        commands.push(RESTART);
    }
    if let Some(switch) = arguments.reverse_proxy_auth {
        switch_auth(&mut new, switch);
        commands.push(RESTART_SERVER);
    }
    if commands.is_empty() {
        return Err(AppError::usage("nothing is to be written")
            .hint("say --type, --url and --organization, or --reverse-proxy-auth on|off"));
    }
    prove(&new, &values)?;
    let shown = difference(&old.lines, &new.lines);
    if shown.is_empty() {
        terminal::talk("it says so already; nothing is written");
        return Ok(Status::Done);
    }
    terminal::data(&shown);
    if !arguments.yes && !answers.agrees("Write this? [y/N]")? {
        terminal::talk("nothing is written");
        return Ok(Status::Done);
    }
    let backup = write(&arguments.file, &new)?;
    terminal::talk(&format!("written; what was there is in `{}`", backup.display()));
    terminal::talk("\nPut the file into the config map, then restart on the master node:");
    commands.iter().for_each(|it| terminal::talk(it));
    Ok(Status::Done)
}

/// Whoever answers: a person at a terminal, or the lines of a pipe.
struct Answers {
    is_terminal: bool,
}

impl Answers {
    fn new() -> Self {
        Self { is_terminal: io::stdin().is_terminal() }
    }

    fn secret(&mut self, prompt: &str) -> io::Result<Secret> {
        if self.is_terminal {
            return rpassword::prompt_password(format!("{prompt}: ")).map(Secret::new);
        }
        let mut line = self.line()?;
        let secret = Secret::new(line.trim_end_matches(['\r', '\n']));
        zeroize::Zeroize::zeroize(&mut line);
        Ok(secret)
    }

    fn agrees(&mut self, question: &str) -> Result<bool, AppError> {
        terminal::talk(question);
        Ok(matches!(self.line()?.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        // The lock is kept by nobody, and what it has read ahead stays in the process.
        io::Read::take(io::stdin().lock(), 64 << 10).read_line(&mut line)?;
        Ok(line)
    }
}

/// Keys of the new section with their values, in the order of the page.
type Wanted = Vec<(&'static str, String)>;

fn wanted(arguments: &Render, kind: &str, answers: &mut Answers) -> Result<Wanted, AppError> {
    let missing = |option: &str| AppError::usage(format!("--type wants --{option} as well"));
    let api = entry::type_named(kind).ok_or_else(|| {
        let mut words: Vec<_> = ApiType::ALL.iter().map(|it| it.name()).collect();
        words.extend(entry::OLD_TYPES.iter().map(|(word, _)| *word));
        AppError::usage(format!("`{kind}` is no type"))
            .hint(format!("there are {}", words.join(", ")))
    })?;
    let url = arguments.url.as_deref().ok_or_else(|| missing("url"))?;
    let organization = arguments.organization.as_deref().ok_or_else(|| missing("organization"))?;
    let home = home(api, url).map_err(|why| AppError::usage(format!("--url `{url}` {why}")))?;
    if home.scheme() != "https" && api != ApiType::Internal {
        return Err(AppError::usage(format!("--url `{url}` is not encrypted"))
            .hint("the platform reaches external repositories over https alone"));
    }
    if home.password().is_some() || !home.username().is_empty() {
        return Err(AppError::usage("--url has a password in it").hint("it is asked for"));
    }
    let username = arguments.username.as_deref().ok_or_else(|| missing("username"))?;
    let host = home.host_str().unwrap_or_default().to_owned();
    let token = answers.secret("Token of the administrator's account")?;
    if token.expose().is_empty() {
        return Err(AppError::usage("no token was given").hint("pipe it in, or type it"));
    }
    Ok(vec![
        ("name", arguments.name.clone().unwrap_or_else(|| host.clone())),
        ("type", kind.to_owned()),
        ("url", url.to_owned()),
        ("credential-hostname", arguments.credential_hostname.clone().unwrap_or(host)),
        ("repository", PATTERN.to_owned()),
        ("organization", organization.to_owned()),
        ("username", username.to_owned()),
        ("auth-token", token.expose().to_owned()),
    ])
}

/// Puts the wanted section before the one that is there, which is commented out.
///
/// Keys that are not known to us, and comments, stay where they are in both.
fn replace(lines: &mut Lines, wanted: &Wanted) -> Result<(), AppError> {
    let Some(key) = entry::place(lines) else {
        return Err(AppError::usage("the file has no section that names a Git host")
            .hint("look for `storage:`, in it `git:`, in it a section with `type:`; each key in a line of its own"));
    };
    let children = lines.keys(key.block.clone());
    let inner = children.first().map_or(key.indent + 2, |it| it.indent);
    let value_of = |name: &str| wanted.iter().find(|(key, _)| *key == name).map(|(_, it)| it);
    let mut block: Vec<String> = vec![lines.lines[key.line].clone()];
    for at in key.block.clone() {
        let line = &lines.lines[at];
        let child = children.iter().find(|it| it.line == at);
        // A release has the one or the other; what a host is reached by is no longer what it was.
        let name = child.map(|it| match it.name.as_str() {
            "credential-url" => "credential-hostname",
            other => other,
        });
        block.push(match (child, name.and_then(value_of)) {
            (Some(child), Some(_)) if child.name == "credential-url" => {
                let url = value_of("url").map(String::as_str).unwrap_or_default();
                with_value(line, &scalar(url))
            }
            (Some(child), Some(value)) if child.name == "repository" => {
                with_value(line, &format!("'{value}'"))
            }
            (Some(_), Some(value)) => with_value(line, &scalar(value)),
            (Some(_), None) | (None, _) => line.clone(),
        });
    }
    let has = |name: &str| {
        children.iter().any(|it| {
            it.name == name || (name == "credential-hostname" && it.name == "credential-url")
        })
    };
    for (name, value) in wanted.iter().filter(|(name, _)| !has(name)) {
        let value = if *name == "repository" { format!("'{value}'") } else { scalar(value) };
        block.push(format!("{}{name}: {value}", " ".repeat(inner)));
    }
    let old: Vec<String> = lines.lines[key.line..key.block.end].to_vec();
    if block == old {
        return Ok(());
    }
    block.extend(old.iter().map(|line| commented(line, key.indent)));
    lines.lines.splice(key.line..key.block.end, block);
    Ok(())
}

/// A line with another value behind its key; its comment stays.
fn with_value(line: &str, value: &str) -> String {
    let (_, comment) = behind(line);
    let key = line.split(':').next().unwrap_or(line);
    let comment = if comment.is_empty() { String::new() } else { format!(" {comment}") };
    format!("{key}: {value}{comment}")
}

/// A line as a comment, at the column of what is commented out.
fn commented(line: &str, column: usize) -> String {
    if line.trim().is_empty() {
        return line.to_owned();
    }
    let rest = &line[column.min(indent(line))..];
    format!("{}# {rest}", " ".repeat(column))
}

/// Switches how people log in to the platform's own Git server.
fn switch_auth(lines: &mut Lines, switch: Switch) {
    let name = "reverse-proxy-auth";
    let value = match switch {
        Switch::On => "true",
        Switch::Off => "false",
    };
    let Some(git) = entry::server(lines) else {
        lines.lines.extend(["git:".to_owned(), format!("  {name}: {value}")]);
        return;
    };
    let children = lines.keys(git.block.clone());
    if let Some(child) = children.iter().find(|it| it.name == name) {
        lines.lines[child.line] = with_value(&lines.lines[child.line], value);
        return;
    }
    let inner = children.first().map_or(git.indent + 2, |it| it.indent);
    lines.lines.insert(git.line + 1, format!("{}{name}: {value}", " ".repeat(inner)));
}

/// Whether the new text is YAML in which nothing but the two sections of Git differs.
///
/// SECURITY: whatever the lines look like, what the platform reads is what was meant.
fn prove(new: &Lines, old: &Value) -> Result<(), AppError> {
    let fail = || {
        AppError::failed("the file is written in a way that cannot be changed line by line")
            .hint("write each key of its sections `storage` and `git` in a line of its own")
    };
    let new = file::values(&new.text()).map_err(|_| fail())?;
    let rest = |values: &Value| {
        let mut values = values.clone();
        if let Some(all) = values.as_object_mut() {
            all.remove("git");
            if let Some(storage) = all.get_mut("storage").and_then(Value::as_object_mut) {
                storage.remove("git");
            }
        }
        values
    };
    if rest(&new) == rest(old) { Ok(()) } else { Err(fail()) }
}

/// Writes the new text in the place of the old one, which stays beside it.
fn write(path: &Path, new: &Lines) -> Result<PathBuf, AppError> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = i64::try_from(seconds.map_or(0, |it| it.as_millis())).unwrap_or_default();
    let digits: String = Time::from_millis(millis)
        .unwrap_or_default()
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let named = |end: &str| {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(end);
        path.with_file_name(name)
    };
    let backup = named(&format!(".{digits}.bak"));
    let fail = |error: io::Error| {
        AppError::failed(format!("could not write `{}`", path.display())).because(error)
    };
    fs::copy(path, &backup).map_err(fail)?;
    let directory = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(fail)?;
    file.write_all(new.text().as_bytes()).map_err(fail)?;
    // SECURITY: it holds a token; whoever could read the old file can read this one, nobody else.
    let permissions = fs::metadata(path).map_err(fail)?.permissions();
    file.as_file().set_permissions(permissions).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(backup)
}

#[cfg(test)]
mod tests {
    use super::{super::entry::tests::PLATFORM, *};

    fn external() -> Wanted {
        vec![
            ("name", "git.example".to_owned()),
            ("type", "gitlab-v4-api".to_owned()),
            ("url", "https://git.example/api/v4".to_owned()),
            ("credential-hostname", "git.example".to_owned()),
            ("repository", PATTERN.to_owned()),
            ("organization", "acme".to_owned()),
            ("username", "root".to_owned()),
            ("auth-token", "swordfish".to_owned()),
        ]
    }

    #[test]
    fn the_new_section_stands_beside_the_old_one_and_nothing_else_moves() {
        let mut lines = Lines::of(PLATFORM);

        replace(&mut lines, &external()).unwrap();

        insta::assert_snapshot!(lines.text());
        prove(&lines, &file::values(PLATFORM).unwrap()).unwrap();
        let shown = difference(&Lines::of(PLATFORM).lines, &lines.lines);
        assert!(!shown.contains("swordfish") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn writing_the_same_again_changes_nothing() {
        let mut once = Lines::of(PLATFORM);
        replace(&mut once, &external()).unwrap();
        let mut twice = once.clone();

        replace(&mut twice, &external()).unwrap();

        assert_eq!(once, twice);
    }

    #[test]
    fn logging_in_by_the_proxy_is_switched_off_and_on_again() {
        let mut lines = Lines::of(PLATFORM);

        switch_auth(&mut lines, Switch::Off);
        let off = lines.text();
        switch_auth(&mut lines, Switch::On);

        let section = "git:\n  reverse-proxy-auth: false\n  url: https://anaconda.example.com";
        assert!(off.contains(section), "{off}");
        assert_eq!(
            lines.text(),
            off.replace("reverse-proxy-auth: false", "reverse-proxy-auth: true")
        );
        let mut bare = Lines::of("a: 1\n");
        switch_auth(&mut bare, Switch::On);
        assert_eq!(bare.text(), "a: 1\ngit:\n  reverse-proxy-auth: true\n");
    }

    #[test]
    fn a_file_that_lines_cannot_change_is_left_alone() {
        let text = "storage: {git: {default: {type: internal}}}\ngit: {url: x}\n";
        let mut lines = Lines::of(text);

        assert!(replace(&mut lines, &external()).is_err());
        switch_auth(&mut lines, Switch::On);
        assert!(prove(&lines, &file::values(text).unwrap()).is_err());
    }
}
