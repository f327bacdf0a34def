#![no_main]

mod said;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| said::read(packhorse_git::hostile::Said::Pack, bytes));
