#![no_main]

use jiff::Timestamp;
use packhorse_git::lfs::{Operation, Pointer, read_answer};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let asked: Vec<Pointer> = ["0", "1"].iter().filter_map(|it| Pointer::new(&it.repeat(64), 7)).collect();
    for operation in [Operation::Download, Operation::Upload] {
        if let Ok(granted) = read_answer(bytes, operation, &asked, Timestamp::UNIX_EPOCH) {
            assert!(granted.iter().map(|it| &it.pointer).eq(&asked));
        }
    }
});
