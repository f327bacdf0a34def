//! What the writer of archives takes for bytes that are there already: `scripts/bench-engine`
//! holds it against `tar | zstd -3` and `tar | gzip` over the same files.
//!
//! `pack zstd|gzip DIRECTORY FILE` packs the files below a directory and hashes each, as both
//! formats do, and brings the archive to the disk. It prints the seconds that took.

use packhorse_archive::container::{Compression, TarWriter};
use sha2::{Digest, Sha256};
use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(tool), Some(directory), Some(file)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: pack zstd|gzip DIRECTORY FILE".into());
    };
    let compression = match tool.as_str() {
        "zstd" => Compression::Zstd(3),
        "gzip" => Compression::Gzip(6),
        _ => return Err("the first argument is `zstd` or `gzip`".into()),
    };
    let begun = Instant::now();
    let mut writer = TarWriter::create(Path::new(&file), compression, 0)?;
    let mut directories = vec![PathBuf::from(&directory)];
    while let Some(at) = directories.pop() {
        for entry in fs::read_dir(at)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                put(&mut writer, Path::new(&directory), &entry.path())?;
            }
        }
    }
    writer.finish()?;
    Ok(writeln!(io::stdout(), "{:.3}", begun.elapsed().as_secs_f64())?)
}

fn put(writer: &mut TarWriter, root: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut hashing = Hashing { file, hash: Sha256::new() };
    writer.member(&name, size, &mut hashing)?;
    std::hint::black_box(hashing.hash.finalize());
    Ok(())
}

/// Hashes what is read through it.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}
