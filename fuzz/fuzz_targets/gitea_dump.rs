#![no_main]

mod reader;

/// The files that the pieces of an input become, in their order.
const FILES: [&str; 11] = [
    "repo.yml",
    "topic.yml",
    "label.yml",
    "milestone.yml",
    "issue.yml",
    "comments/1.yml",
    "pull_request.yml",
    "comments/2.yml",
    "reviews/2.yml",
    "release.yml",
    "packhorse.yml",
];

/// What stands between two files; no text has it.
const END: u8 = 0xff;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(directory) = tempfile::tempdir() else { return };
    let dump = directory.path().join("dump");
    for part in ["comments", "reviews", "git/refs"] {
        if std::fs::create_dir_all(dump.join(part)).is_err() {
            return;
        }
    }
    for (name, piece) in FILES.iter().zip(bytes.split(|it| *it == END)) {
        if std::fs::write(dump.join(name), piece).is_err() {
            return;
        }
    }
    reader::read(&packhorse_archive::gitea_dump::SPEC, &dump, directory.path());
});
