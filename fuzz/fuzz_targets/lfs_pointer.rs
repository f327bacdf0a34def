#![no_main]

use packhorse_git::lfs::Pointer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(pointer) = Pointer::parse(bytes) {
        // What is read as a pointer is the same pointer when it is written anew.
        assert_eq!(Pointer::parse(pointer.to_string().as_bytes()), Some(pointer));
    }
});
