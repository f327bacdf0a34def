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
    reader::read_all(&packhorse_archive::gitea_dump::SPEC, |dump| {
        for part in ["comments", "reviews", "git/refs"] {
            std::fs::create_dir_all(dump.join(part))?;
        }
        let mut pieces = FILES.iter().zip(bytes.split(|it| *it == END));
        pieces.try_for_each(|(name, piece)| std::fs::write(dump.join(name), piece))
    });
});
