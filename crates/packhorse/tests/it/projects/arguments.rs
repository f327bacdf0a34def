//! What is taken, and what is said when it is not.

use crate::{bench::Bench, tidy::root};
use std::{fs, io::Write, os::unix::fs::symlink};

/// Words of a text, however it was broken into lines.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_link_by_the_name_of_the_tool_is_the_tool() {
    let bench = Bench::new();
    for name in ["migrate_projects.py", "migrate_projects"] {
        symlink(env!("CARGO_BIN_EXE_packhorse"), bench.path(name)).unwrap();

        let ran = bench.call(&bench.path(name), "--parallel 4", "");

        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran}");
        assert!(
            ran.stderr.starts_with(&format!("usage: {name} [-h] [--parallel PARALLEL]")),
            "{ran}"
        );
        let required = "the following arguments are required: --postgres-host, --origin-api-url, \
                        --dest-api-url, --dest-user-mappings";
        assert!(ran.stderr.ends_with(&format!("{name}: error: {required}\n")), "{ran}");
    }
}

#[test]
fn help_goes_to_stdout_and_ends_well() {
    let bench = Bench::new();

    let ran = bench.run("migrate-projects -h");

    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    assert!(ran.stdout.starts_with("usage: packhorse migrate-projects [-h]"), "{ran}");
}

/// The page that the tool is described on, in the shared folder beside the repository.
#[test]
fn usage_and_help_say_what_the_page_says() {
    let page = root().join("../shared/requirements/1-anaconda-migrate-projects.txt");
    let Ok(page) = fs::read_to_string(page) else {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: the page of the tool is not here").unwrap();
        return;
    };
    let bench = Bench::new();
    symlink(env!("CARGO_BIN_EXE_packhorse"), bench.path("migrate_projects.py")).unwrap();

    let ran = bench.call(&bench.path("migrate_projects.py"), "--help", "");

    let from = page.find("usage: migrate_projects.py").unwrap();
    let to = page.find("For example, the tool can be used").unwrap();
    let ours = ran.stdout.split("additional arguments of Packhorse").next().unwrap();
    assert_eq!(words(ours), words(&page[from..to]));
}

#[test]
fn a_mappings_file_that_is_not_clear_stops_before_anything_is_asked() {
    let bench = Bench::new();
    fs::write(bench.path("mappings"), "alice\n").unwrap();
    let arguments = "migrate-projects --postgres-host h --origin-api-url http://o/ \
                     --dest-api-url http://d/ --dest-user-mappings";

    let unclear = bench.run(&format!("{arguments} mappings"));
    let missing = bench.run(&format!("{arguments} nowhere"));

    assert_eq!(unclear.status, Some(2), "{unclear}");
    assert!(unclear.stderr.contains("line 1: write `platform-user:git-user`"), "{unclear}");
    assert!(missing.stderr.contains("could not read the mappings file `nowhere`"), "{missing}");
}
