//! Git LFS: large files, which history only points to.

mod pointer;
mod scan;
mod stream;

pub use pointer::{MAX_POINTER, MIN_POINTER, Pointer};
pub use scan::{pointers, pointers_of_remote};
pub use stream::{PackScanner, Scanned};
