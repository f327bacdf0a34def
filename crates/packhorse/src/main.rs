//! The command line of Packhorse.

fn main() {}
