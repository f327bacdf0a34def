//! Tar archives from strangers: read straight from the compressed file, and written.
//!
//! Nothing is unpacked but Git repositories, no file is ever whole in memory,
//! and memory does not grow with the archive. Every bound is in [`Limits`].
//!
//! - [`Archive`] scans a file once, whole, and opens streams into it afterwards.
//! - [`gzip`] and [`zstd`] start again in the middle of a compressed file.
//! - [`JsonArray`] and [`Lines`] cut records out of members, one at a time.
//! - [`gunzip`] and [`scan_within`] go through what is packed within a member.
//! - [`extract`] unpacks a repository, and nothing else, into a directory.
//! - [`TarWriter`] writes, with checkpoints at which a killed writer goes on.
//! - [`Aside`] compresses a member of it whose length is not known yet.

mod aside;
mod error;
mod extract;
pub mod gzip;
mod header;
mod json_array;
mod key_set;
mod limits;
mod lines;
mod nested;
mod open;
mod packer;
mod partial;
mod piece;
mod press;
mod read_ahead;
mod tar;
mod write;
pub mod zstd;

pub use aside::Aside;
pub use error::ArchiveError;
pub use extract::{Extracted, extract, is_repository_file};
pub use json_array::JsonArray;
pub use key_set::KeySet;
pub use limits::Limits;
pub use lines::Lines;
pub use nested::{Forward, gunzip, scan_within};
pub use open::{Archive, MemberData, Stream};
pub use packer::Compression;
pub use partial::Partial;
pub(crate) use read_ahead::ReadAhead;
pub use tar::Member;
pub use write::TarWriter;
