#![no_main]

use packhorse_archive::container::{Archive, Limits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if std::io::Write::write_all(&mut file, bytes).is_err() {
        return;
    }
    if let Ok(archive) = Archive::open(file.path(), Limits::default()) {
        drop(archive.scan(|_, data| {
            drop(std::io::copy(data, &mut std::io::sink()));
            Ok(())
        }));
    }
});
