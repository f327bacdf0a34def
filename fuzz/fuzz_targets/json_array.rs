#![no_main]

use packhorse_archive::container::{JsonArray, Limits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_record_bytes: 4096, ..Limits::default() };
    let mut array = JsonArray::new(bytes, "fuzz.json", &limits);
    while let Ok(Some(_)) = array.next() {}
});
