//! Databases as they may be: other columns, other types, no columns.

use super::world::{DATABASE, INTERNAL, ONE, Place, Platform, SERVER};
use crate::bench::Bench;
use crate::postgres::Database;

/// Runs against a database of these statements, and gives what would become of its projects.
async fn foretold(statements: &str, more: &str) -> Option<String> {
    let platform = Platform::new(statements)?;
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let ran = platform.run(&origin, &destination, &format!("--only-report {more}"));
    Some(format!("{}{}", ran.stdout, ran.stderr))
}

#[track_caller]
fn check(told: Option<&String>, parts: &[&str]) {
    let Some(told) = told else { return };
    for part in parts {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

/// What is said of the first project when it is understood whole.
const WHOLE: &str = "AN/ae-alice-0123456789abcdef0123456789abcde1: would be carried; 3 people";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_asked_over_tls_where_its_authority_is_trusted() {
    let Some(platform) = Platform::new(DATABASE) else { return };
    let authority = platform.bench.path("authority.pem");
    std::fs::write(authority, platform.database.authority()).unwrap();
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let run = |more: &str| {
        let ran = platform.run(&origin, &destination, &format!("--only-report {more}"));
        format!("{}{}", ran.stdout, ran.stderr)
    };

    let trusted = run("--postgres-ca authority.pem");
    let strange = run("--postgres-tls");

    assert!(trusted.contains(WHOLE), "{trusted}");
    assert!(!strange.contains(WHOLE) && strange.contains("certificate"), "{strange}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_columns_are_understood() {
    let told = foretold(DATABASE, "").await;

    check(told.as_ref(), &["the database has 3 projects", WHOLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn uuids_enumerations_and_other_names_are_understood() {
    let told = foretold(
        "CREATE SCHEMA storage;
         CREATE TYPE storage.level AS ENUM ('read', 'write');
         CREATE TABLE storage.projects (project_id uuid, project_name text, username varchar);
         CREATE TABLE storage.project_acls (project uuid, \"user\" text, access storage.level);
         INSERT INTO storage.projects
             VALUES ('01234567-89ab-cdef-0123-456789abcde1', 'Churn model', 'ae-alice');
         INSERT INTO storage.project_acls VALUES
             ('01234567-89ab-cdef-0123-456789abcde1', 'ae-bob', 'write'),
             ('01234567-89ab-cdef-0123-456789abcde1', 'ae-carol', 'read');",
        "",
    )
    .await;

    check(told.as_ref(), &["the database has 1 projects", WHOLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_may_stand_among_the_collaborators() {
    let told = foretold(
        "CREATE TABLE projects (id text, name text);
         CREATE TABLE project_acls (project_id text, name text, role text, type text);
         INSERT INTO projects VALUES ('0123456789abcdef0123456789abcde1', 'Churn model');
         INSERT INTO project_acls VALUES
             ('0123456789abcdef0123456789abcde1', 'ae-alice', 'owner', 'user'),
             ('0123456789abcdef0123456789abcde1', 'ae-bob', 'rw', 'user'),
             ('0123456789abcdef0123456789abcde1', 'ae-carol', 'r', 'user'),
             ('0123456789abcdef0123456789abcde1', 'everyone', 'r', 'group');",
        "",
    )
    .await;

    check(told.as_ref(), &[WHOLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_understood_are_told_with_what_to_say() {
    let odd = "CREATE TABLE projects (id text, name text, owner text, username text);
        CREATE TABLE project_acls (project_id text, name text, permission text);
        INSERT INTO projects
            VALUES ('0123456789abcdef0123456789abcde1', 'Churn model', 'x', 'ae-alice');
        INSERT INTO project_acls VALUES
            ('0123456789abcdef0123456789abcde1', 'ae-bob', 'rw');";

    let told = foretold(odd, "").await;

    check(
        told.as_ref(),
        &[
            "several columns of `projects` could be meant: owner, username",
            "found public.project_acls (project_id, name, permission)",
            "--postgres-query 'SELECT",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_the_tables_says_so() {
    let told = foretold("CREATE TABLE sessions (id text);", "").await;

    check(told.as_ref(), &["there is no table `projects`", "found neither a table"]);
}

/// A database whose tables are not understood, to be asked by a query.
fn odd() -> Option<(Bench, Database)> {
    let database = Database::filled(
        "CREATE TABLE notes (num text, who text);
         INSERT INTO notes VALUES ('0123456789abcdef0123456789abcde1', 'ae-alice');",
    )?;
    let bench = Bench::new();
    std::fs::write(bench.path("mappings"), "ae-alice:alice\n").unwrap();
    Some((bench, database))
}

/// Asks by a query of one's own, which has spaces.
fn ask(bench: &Bench, database: &Database, query: &str, hosts: (&Place, &Place)) -> String {
    let (from, to) = hosts;
    let arguments = format!(
        "migrate-projects {} {} {} --dest-user-mappings mappings --only-report",
        database.options(),
        from.options("origin"),
        to.options("dest")
    );
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    words.extend(["--postgres-query", query]);
    let token = packhorse_fakes::Options::TOKEN;
    let ran = bench.say(&words, &format!("\n{token}\n{token}\n"));
    format!("{}{}", ran.stdout, ran.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_ones_own_says_what_is_meant_and_can_write_nothing() {
    let Some((bench, database)) = odd() else { return };
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let ask = |query: &str| ask(&bench, &database, query, (&origin, &destination));

    let good = ask("SELECT num AS id, who AS owner FROM notes;");
    let short = ask("SELECT num AS id FROM notes");
    let several = ask("SELECT num AS id, who AS owner FROM notes; DELETE FROM notes");
    let writing = ask("DELETE FROM notes RETURNING num AS id, who AS owner");

    assert!(good.contains(&format!("AN/ae-alice-{ONE}: would be carried; 1 people")), "{good}");
    assert!(short.contains("--postgres-query gives no column `owner`"), "{short}");
    assert!(several.contains("the database does not take --postgres-query"), "{several}");
    assert!(writing.contains("error:"), "{writing}");
    assert_eq!(database.psql("SELECT count(*) FROM notes").trim(), "1");
}

#[test]
fn a_database_that_cannot_be_reached_or_is_not_there_says_what_to_try() {
    let Some((bench, database)) = odd() else { return };
    let run = |options: &str| {
        let hosts = "--origin-api-url http://127.0.0.1:9/ --dest-api-url http://127.0.0.1:9/";
        let ran = bench.talk(
            &format!("migrate-projects {options} {hosts} --dest-user-mappings mappings"),
            "\n\n\n",
        );
        assert_eq!(ran.status, Some(1), "{ran}");
        ran.stderr
    };

    let nowhere = run("--postgres-host 127.0.0.1 --postgres-port 9");
    let unknown = run(&format!("--postgres-host 127.0.0.1 --postgres-port {}", database.port()));

    assert!(nowhere.contains("could not reach the database `anaconda_storage`"), "{nowhere}");
    assert!(nowhere.contains("kubectl port-forward"), "{nowhere}");
    assert!(unknown.contains("--postgres-dbname"), "{unknown}");
}

#[test]
fn one_hundred_thousand_projects_are_read() {
    let many = "CREATE TABLE projects (id text PRIMARY KEY, name text, owner text);
        CREATE TABLE project_acls (project_id text, name text, permission text);
        INSERT INTO projects
            SELECT md5(n::text), 'p' || n, 'ae-nobody' FROM generate_series(1, 100000) n;
        INSERT INTO project_acls SELECT id, 'ae-other', 'rw' FROM projects;";
    let Some(platform) = Platform::new(many) else { return };
    let hosts = "--origin-api-url http://127.0.0.1:9/ --dest-api-url http://127.0.0.1:9/";
    let options = platform.database.options();

    let ran = platform.bench.talk(
        &format!("migrate-projects {options} {hosts} --dest-user-mappings mappings"),
        "\n\n\n",
    );

    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("the database has 100000 projects"), "{ran}");
    let unmapped = "2 users of the projects have no line in the mappings file: ae-nobody, ae-other";
    assert!(ran.stderr.contains(unmapped), "{ran}");
}
