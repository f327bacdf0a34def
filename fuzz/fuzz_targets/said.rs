//! What a server says must come to the same however it arrives.

use packhorse_git::hostile::{self, Said};

/// Reads the bytes in one piece and in many.
pub fn read(said: Said, bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let whole = runtime.block_on(hostile::read(said, bytes, usize::MAX));
    let pieces = runtime.block_on(hostile::read(said, bytes, 7));
    assert_eq!(whole.is_ok(), pieces.is_ok());
}
