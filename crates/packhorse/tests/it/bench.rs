//! A directory of its own in which a test runs the program, and what a run gave.

use assert_cmd::Command;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process,
};
use tempfile::TempDir;

/// A directory with a journal, stores and archives in it.
pub(crate) struct Bench {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() };
        fs::create_dir(bench.path("scratch")).unwrap();
        bench
    }

    /// With variables in the environment of everything that it starts.
    pub(crate) fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.variables.extend(variables);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs the program with arguments parted by spaces, and with nothing of the tester's
    /// environment but the way to `git`.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        self.call(program(), arguments, "")
    }

    /// Runs the program with arguments parted by spaces, and says something to it.
    pub(crate) fn talk(&self, arguments: &str, input: &str) -> Ran {
        self.call(program(), arguments, input)
    }

    /// Runs the program with these words, and says something to it.
    pub(crate) fn say(&self, words: &[&str], input: &str) -> Ran {
        self.call_with(program(), words, input)
    }

    /// Runs the program by another name, and says something to it.
    pub(crate) fn call(&self, program: &Path, arguments: &str, input: &str) -> Ran {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        self.call_with(program, &words, input)
    }

    fn call_with(&self, program: &Path, words: &[&str], input: &str) -> Ran {
        let output = Command::new(program)
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .write_stdin(input)
            .output()
            .unwrap();
        let text = |bytes| self.filtered(&String::from_utf8(bytes).expect("output is UTF-8"));
        Ran {
            arguments: words.join(" "),
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs the program, which must do what is asked, and gives its data.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.status, Some(0), "{ran}");
        ran.stdout
    }

    /// Starts the program and leaves it running; what it says on stderr can be read.
    #[expect(clippy::disallowed_methods, reason = "only a process of its own can be killed")]
    pub(crate) fn start(&self, arguments: &str) -> process::Child {
        process::Command::new(program())
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .stdin(process::Stdio::null())
            .stdout(process::Stdio::null())
            .stderr(process::Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts the program, says something to it and leaves it running.
    #[expect(clippy::disallowed_methods, reason = "only a process of its own can be killed")]
    pub(crate) fn begin(&self, arguments: &str, input: &str) -> process::Child {
        use std::io::Write;
        let mut child = process::Command::new(program())
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .stdin(process::Stdio::piped())
            .stdout(process::Stdio::null())
            .stderr(process::Stdio::piped())
            .spawn()
            .unwrap();
        // What is said fits into the pipe, which closes at once.
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child
    }

    /// Runs `git` as anybody would: its status, and what it said on stderr.
    pub(crate) fn git_status(&self, arguments: &[&str]) -> (i32, String) {
        let ran = Command::new("git")
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        (ran.status.code().unwrap_or(-1), said)
    }

    /// Runs `git` as anybody would, and gives what it printed.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str], input: &str) -> String {
        let ran = Command::new("git")
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.environment())
            .write_stdin(input)
            .unwrap();
        String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
    }

    fn environment(&self) -> Vec<(&str, PathBuf)> {
        let way = std::env::var_os("PATH").unwrap_or_default();
        let mut all = vec![
            ("PATH", way.into()),
            ("HOME", self.directory.path().to_owned()),
            ("TMPDIR", self.path("scratch")),
        ];
        let authority = self.path("ca.pem");
        if authority.exists() {
            all.push(("SSL_CERT_FILE", authority));
        }
        all.extend(self.variables.iter().map(|(name, value)| (name.as_str(), value.into())));
        all
    }

    /// Leaves out what is different in each run: this directory and durations.
    fn filtered(&self, text: &str) -> String {
        let directory = self.directory.path().display().to_string();
        let text = text.replace(&directory, "[DIR]");
        let lines: Vec<String> = text.split('\n').map(without_duration).collect();
        lines.join("\n")
    }
}

fn without_duration(line: &str) -> String {
    if line.starts_with("  took  ") { "  took  [TIME]".to_owned() } else { line.to_owned() }
}

/// The program under test.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_packhorse"))
}

/// What a run of the program gave.
pub(crate) struct Ran {
    pub(crate) arguments: String,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ packhorse {}", self.arguments)?;
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        match self.status {
            Some(status) => writeln!(f, "--- exit status {status}"),
            None => writeln!(f, "--- killed"),
        }
    }
}

/// Asks a process to stop, and waits until it has; its status.
#[expect(clippy::disallowed_methods, reason = "a signal is sent by a program")]
pub(crate) fn terminate(child: &mut process::Child) -> Option<i32> {
    process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap().code()
}
