//! A PostgreSQL of one's own: in a private directory, on loopback, gone with the last who uses it.
//!
//! Its programs come from Debian's package `postgresql`. Where they are not installed, tests say
//! that they were skipped.

use crate::tls::certificate;
use assert_cmd::Command;
use std::{
    fs::{self, Permissions},
    io::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

/// A running server.
struct Server {
    directory: TempDir,
    programs: PathBuf,
    port: u16,
    authority: String,
    /// What it is started with.
    options: String,
}

/// A database on the server that all tests of this binary share.
pub(crate) struct Database {
    server: Arc<Server>,
    pub(crate) name: String,
}

impl Database {
    /// A new database, filled by these statements; `None` where there is no PostgreSQL.
    pub(crate) fn filled(statements: &str) -> Option<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let server = {
            let mut shared = SHARED.lock().unwrap();
            match shared.upgrade() {
                Some(server) => server,
                None => {
                    let server = Arc::new(Server::start()?);
                    *shared = Arc::downgrade(&server);
                    server
                }
            }
        };
        let name = format!("storage_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Some(Self::on(server, name, statements))
    }

    /// A new database on a server of its own, which can be stopped; `None` as above.
    pub(crate) fn alone() -> Option<Self> {
        Some(Self::on(Arc::new(Server::start()?), "storage".to_owned(), ""))
    }

    fn on(server: Arc<Server>, name: String, statements: &str) -> Self {
        server.psql("postgres", &format!("CREATE DATABASE {name}"));
        let database = Self { server, name };
        database.psql(statements);
        database
    }

    /// Ends the server in the middle of what it does.
    pub(crate) fn stop(&self) {
        self.server.stop();
    }

    /// Starts the server again.
    pub(crate) fn go_on(&self) {
        self.server.go_on();
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// Who vouches for its certificate, in PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.server.authority
    }

    /// Runs statements, and gives what they print.
    #[track_caller]
    pub(crate) fn psql(&self, statements: &str) -> String {
        self.server.psql(&self.name, statements)
    }

    /// Its address, without TLS.
    pub(crate) fn url(&self) -> String {
        let (port, name) = (self.server.port, &self.name);
        format!("postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    }

    /// The options of `migrate-projects` that lead to it.
    pub(crate) fn options(&self) -> String {
        format!(
            "--postgres-host 127.0.0.1 --postgres-port {} --postgres-dbname {}",
            self.server.port, self.name
        )
    }
}

impl Server {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: PostgreSQL is not installed (package postgresql)").unwrap();
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (certificate, key, authority) = certificate();
        let mut server = Self { directory, programs, port, authority, options: String::new() };
        let files = ["server.pem", "server.key"].map(|it| server.directory.path().join(it));
        for (file, text) in files.iter().zip([certificate, key]) {
            fs::write(file, text).unwrap();
            // The server takes no key that others can read.
            fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        }
        if is_root() {
            let owner = format!("{0}:{0}", unprivileged());
            let mut chown = Command::new("chown");
            chown.arg(owner).arg(server.directory.path()).args(&files).assert().success();
        }
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8"], "");
        server.options = format!(
            "-h 127.0.0.1 -p {port} -c unix_socket_directories= -c fsync=off \
             -c max_connections=50 -c shared_buffers=8MB \
             -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            files[0].display(),
            files[1].display()
        );
        server.go_on();
        Some(server)
    }

    fn go_on(&self) {
        let log = self.directory.path().join("log").display().to_string();
        let how = ["-D", &self.data(), "-l", &log, "-o", &self.options, "-w", "start"];
        self.run("pg_ctl", &how, "");
    }

    fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"], "");
    }

    fn data(&self) -> String {
        self.directory.path().join("data").display().to_string()
    }

    #[track_caller]
    fn psql(&self, database: &str, statements: &str) -> String {
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", database];
        let how = ["-v", "ON_ERROR_STOP=1", "-q", "-A", "-t"];
        self.run("psql", &[&arguments[..], &how[..]].concat(), statements)
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            false => Command::new(program),
            // The server refuses to be run by one who may do everything.
            true => {
                let user = unprivileged().to_string();
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
                command.arg(program);
                command
            }
        };
        let ran = command
            .args(arguments)
            .env("LC_ALL", "C")
            .env("PGCONNECT_TIMEOUT", "20")
            .current_dir(self.directory.path())
            .write_stdin(input)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{arguments:?}: {told}");
        String::from_utf8(ran.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the programs are: on the way to all programs, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let way = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&way).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    places.extend(versions.flatten().map(|it| it.path().join("bin")));
    let has =
        |place: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|it| place.join(it).is_file());
    places.into_iter().find(has)
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(Path::new("/proc/self")).unwrap().uid() == 0
}

/// Number of the user `postgres`, or of nobody.
fn unprivileged() -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number = users
        .lines()
        .find_map(|it| it.strip_prefix("postgres:x:")?.split(':').next()?.parse().ok());
    number.unwrap_or(65_534)
}
