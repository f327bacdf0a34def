//! What SQLite itself takes for the rows of a store: the yardstick of `scripts/bench-engine`.
//!
//! `bulk_insert STORE COPY` reads the rows of a store a piece at a time, puts them
//! into a new database of the same table in one transaction, and prints the
//! seconds that the inserts and the commit took.

use rusqlite::{Connection, params, types::Value};
use std::{
    error::Error,
    io::Write,
    time::{Duration, Instant},
};

/// Rows read at a time, outside of what is measured.
const PIECE: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(store), Some(copy)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bulk_insert STORE COPY".into());
    };
    let from = Connection::open(store)?;
    let table: String =
        from.query_row("SELECT sql FROM sqlite_schema WHERE name = 'records'", [], |row| {
            row.get(0)
        })?;
    let to = Connection::open(copy)?;
    to.pragma_update(None, "journal_mode", "WAL")?;
    to.pragma_update(None, "synchronous", "FULL")?;
    to.execute_batch(&table)?;
    to.execute_batch("BEGIN")?;
    let mut spent = Duration::ZERO;
    let mut select = from.prepare("SELECT scope, kind, key, body, generation FROM records")?;
    let mut rows = select.query([])?;
    let mut piece: Vec<[Value; 5]> = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        while piece.len() < PIECE
            && let Some(row) = rows.next()?
        {
            piece.push([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]);
        }
        if piece.is_empty() {
            break;
        }
        let begun = Instant::now();
        let mut insert = to.prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for [scope, kind, key, body, generation] in &piece {
            insert.execute(params![scope, kind, key, body, generation])?;
        }
        spent += begun.elapsed();
    }
    let begun = Instant::now();
    to.execute_batch("COMMIT")?;
    spent += begun.elapsed();
    writeln!(std::io::stdout(), "{:.3}", spent.as_secs_f64())?;
    Ok(())
}
