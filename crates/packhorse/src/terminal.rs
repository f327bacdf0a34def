//! The two streams: data goes to stdout, talk goes to stderr.
//!
//! A closed pipe ends the output, not the run.

use std::io::{self, Write};

/// Writes a piece of data to stdout.
pub(crate) fn data(text: &str) {
    let mut out = io::stdout().lock();
    ignore_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a line of talk to stderr.
pub(crate) fn talk(line: &str) {
    ignore_closed(writeln!(io::stderr().lock(), "{line}"));
}

/// Nobody is left to be told that nobody listens.
fn ignore_closed(written: io::Result<()>) {
    drop(written);
}
