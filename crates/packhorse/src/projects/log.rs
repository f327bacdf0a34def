//! The log file: what happens, a line each, with the time.
//!
//! It is named by a prefix and the time at which the run began, as in
//! `migrate-projects-20260131-120000.log`. A prefix that ends with a slash is a directory.

use crate::error::AppError;
use packhorse_core::{Event, Listener, model::Time};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// A log, or none.
#[derive(Debug, Default)]
pub(super) struct Log(Option<Mutex<File>>);

impl Log {
    /// Makes the file, if there is a prefix; the directory before it is made as well.
    pub(super) fn open(prefix: Option<&str>) -> Result<(Self, Option<PathBuf>), AppError> {
        let Some(prefix) = prefix else { return Ok((Self::default(), None)) };
        let path = PathBuf::from(format!("{prefix}{}.log", stamp(&now())));
        let fail = |error| {
            AppError::failed(format!("could not make the log file `{}`", path.display()))
                .because(error)
        };
        if let Some(parent) = path.parent().filter(|it| *it != Path::new("")) {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        // SECURITY: it names people and projects, so its owner alone reads it.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        Ok((Self(Some(Mutex::new(file.map_err(fail)?))), Some(path)))
    }

    /// Writes a line. A disk that is full ends the log, not the run.
    pub(super) fn line(&self, text: &str) {
        let Some(file) = &self.0 else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines() {
            drop(writeln!(file, "{} {line}", now()));
        }
    }
}

impl Listener for Log {
    fn on(&self, event: &Event) {
        if let Some(line) = crate::progress::line(event) {
            self.line(&line);
        }
    }
}

/// The time, as RFC 3339 in UTC to the second.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = seconds.map_or(0, |it| it.as_secs()).saturating_mul(1_000);
    let time = i64::try_from(millis).ok().and_then(Time::from_millis).unwrap_or_default();
    time.to_string()
}

/// `2026-01-31T12:00:00Z` as `20260131-120000`.
fn stamp(time: &str) -> String {
    let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, hour) = digits.split_at(digits.len().min(8));
    format!("{day}-{hour}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_log_ends_with_the_time() {
        assert_eq!(stamp("2026-01-31T12:00:00Z"), "20260131-120000");
    }

    #[test]
    fn only_its_owner_reads_a_log() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("logs/migrate-projects-");

        let (log, path) = Log::open(prefix.to_str()).unwrap();
        log.line("one\ntwo");

        let path = path.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().all(|it| it.starts_with("20")) && text.ends_with(" two\n"), "{text}");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
