//! Tars made by hand, so that nothing of ours decides what is in them.

use packhorse_archive::container::{Archive, ArchiveError, Limits, Member};
use std::{
    fs,
    io::{Read, Write},
};

const BLOCK: usize = 512;

/// A header block with a right checksum.
pub(super) fn header(name: &[u8], kind: u8, size: u64) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    signed(block)
}

/// The same block with the checksum that fits it.
pub(super) fn signed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&it| u32::from(it)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// One member with its padding.
pub(super) fn member(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = header(name.as_bytes(), kind, data.len() as u64);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// Members one after the other, and a proper end.
pub(super) fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One frame with a checksum.
pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Names and bytes of the members of a file.
pub(super) type Listing = Vec<(String, Vec<u8>)>;

/// Reads a whole file with the usual limits.
pub(super) fn list(file: &[u8]) -> Result<Listing, ArchiveError> {
    list_within(file, Limits::default())
}

pub(super) fn list_within(file: &[u8], limits: Limits) -> Result<Listing, ArchiveError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    fs::write(&path, file).unwrap();
    let mut list = Vec::new();
    Archive::open(&path, limits)?.scan(|member, data| {
        list.push((member.name.clone(), whole(data)?));
        Ok(())
    })?;
    Ok(list)
}

/// The members of an archive on disk.
pub(super) fn members(archive: &Archive) -> Vec<Member> {
    let mut list = Vec::new();
    let scan = archive.scan(|member, _| {
        list.push(member.clone());
        Ok(())
    });
    scan.unwrap();
    list
}

fn whole(data: &mut dyn Read) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).map_err(ArchiveError::system("read a member"))?;
    Ok(bytes)
}
