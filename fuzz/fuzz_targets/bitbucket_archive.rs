#![no_main]

mod reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::read_all(
    &packhorse_archive::bitbucket_archive::SPEC,
    |path| std::fs::write(path, bytes)
));
