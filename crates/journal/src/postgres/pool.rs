//! The journal's tables in the database.

use packhorse_database::Schema;

pub use packhorse_database::SchemaError;
pub(super) use packhorse_database::{AnyError, Connections, Pool};

/// Steps of the schema, oldest first.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_journal.sql"),
    include_str!("../../migrations/postgres/0002_losses_of_record.sql"),
];

/// The tables; they are made under the lock `PHJ1`.
const SCHEMA: Schema =
    Schema { of: "journal", version: "schema_version", lock: 0x5048_4a31, steps: MIGRATIONS };

/// Connections to a database with the journal's tables.
pub(super) const fn connections(pool: Pool) -> Connections {
    Connections::new(pool, SCHEMA)
}
