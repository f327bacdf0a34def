//! One language for the file and for the database: statements that both understand, with `?1`,
//! `?2` … for values, and rows of values.

use super::AnyError;
use bytes::BytesMut;
use packhorse_core::job::JobId;
use packhorse_database::Transaction as Far;
use rusqlite::{Connection, types};
use std::sync::{Mutex, PoisonError};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A value in a row, or for a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Values for a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}

pub(super) use values;

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}

impl From<u64> for Value {
    fn from(it: u64) -> Self {
        Self::Int(i64::try_from(it).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Int(it.into())
    }
}

impl From<JobId> for Value {
    fn from(it: JobId) -> Self {
        it.0.into()
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(it.to_owned())
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Text(it)
    }
}

impl From<Vec<u8>> for Value {
    fn from(it: Vec<u8>) -> Self {
        Self::Bytes(it)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<types::ToSqlOutput<'_>> {
        Ok(types::ToSqlOutput::Borrowed(match self {
            Self::Null => types::ValueRef::Null,
            Self::Int(it) => types::ValueRef::Integer(*it),
            Self::Text(it) => types::ValueRef::Text(it.as_bytes()),
            Self::Bytes(it) => types::ValueRef::Blob(it),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(it) => it.to_sql(of, out),
            // The database takes every character but one.
            Self::Text(it) if it.contains('\0') => it.replace('\0', "\u{fffd}").to_sql(of, out),
            Self::Text(it) => it.to_sql(of, out),
            Self::Bytes(it) => it.to_sql(of, out),
        }
    }

    fn accepts(of: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(of)
    }

    to_sql_checked!();
}

/// What a value in a row may be read as.
pub(super) trait Read: Sized {
    fn read(value: &Value) -> Option<Self>;
}

impl Read for i64 {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Int(it) = value { Some(*it) } else { None }
    }
}

impl Read for u64 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).and_then(|it| Self::try_from(it).ok())
    }
}

impl Read for u32 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).and_then(|it| Self::try_from(it).ok())
    }
}

impl Read for JobId {
    fn read(value: &Value) -> Option<Self> {
        u64::read(value).map(Self)
    }
}

impl Read for String {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Text(it) = value { Some(it.clone()) } else { None }
    }
}

impl Read for Vec<u8> {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Bytes(it) = value { Some(it.clone()) } else { None }
    }
}

impl Read for serde_json::Value {
    fn read(value: &Value) -> Option<Self> {
        if let Value::Text(it) = value { serde_json::from_str(it).ok() } else { None }
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::read(value).map(Some) }
    }
}

/// A row.
#[derive(Debug)]
pub(super) struct Row(Vec<Value>);

impl Row {
    /// The value of a column, counted from 0; what is not what was put there is an error.
    pub(super) fn get<T: Read>(&self, at: usize) -> Result<T, AnyError> {
        let found = self.0.get(at).and_then(T::read);
        found.ok_or_else(|| format!("column {at} is not what was put there").into())
    }
}

/// A step in a database: all of it, or nothing.
pub(super) enum Step<'a> {
    /// In the file, whose connection is this step's alone.
    File(Mutex<Connection>),
    /// In the shared database.
    Far(Far<'a>),
    /// In the shared database, where nothing is written and each statement sees what is there.
    Look(packhorse_database::Client),
}

/// A statement as PostgreSQL numbers its values.
fn far(sql: &str) -> String {
    sql.replace('?', "$")
}

/// Calls that differ only in what they are asked of.
macro_rules! on {
    ($it:expr, $sql:expr, $values:expr, $call:ident) => {{
        let statement = $it.prepare_cached(&far($sql)).await?;
        let values: Vec<&(dyn ToSql + Sync)> =
            $values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        $it.$call(&statement, &values).await?
    }};
}

impl Step<'_> {
    /// Does a statement; how many rows it touched.
    pub(super) async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, AnyError> {
        Ok(match self {
            Self::File(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let mut statement = connection.prepare_cached(sql)?;
                statement.execute(rusqlite::params_from_iter(values))? as u64
            }
            Self::Far(it) => on!(it, sql, values, execute),
            Self::Look(it) => on!(it, sql, values, execute),
        })
    }

    /// The rows of a query.
    pub(super) async fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, AnyError> {
        match self {
            Self::File(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let mut statement = connection.prepare_cached(sql)?;
                let n = statement.column_count();
                let rows =
                    statement.query_map(rusqlite::params_from_iter(values), |row| near(row, n))?;
                Ok(rows.collect::<Result<_, _>>()?)
            }
            Self::Far(it) => on!(it, sql, values, query).iter().map(from_far).collect(),
            Self::Look(it) => on!(it, sql, values, query).iter().map(from_far).collect(),
        }
    }

    /// The first row of a query, if it has any.
    pub(super) async fn row(&self, sql: &str, values: &[Value]) -> Result<Option<Row>, AnyError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// The first value of a query that always has a row.
    pub(super) async fn value<T: Read>(&self, sql: &str, values: &[Value]) -> Result<T, AnyError> {
        let row = self.row(sql, values).await?;
        row.ok_or_else(|| AnyError::from("a query has no row"))?.get(0)
    }
}

fn near(row: &rusqlite::Row<'_>, n: usize) -> rusqlite::Result<Row> {
    let mut values = Vec::with_capacity(n);
    for at in 0..n {
        values.push(match row.get_ref(at)? {
            types::ValueRef::Null => Value::Null,
            types::ValueRef::Integer(it) => Value::Int(it),
            types::ValueRef::Text(it) => Value::Text(String::from_utf8_lossy(it).into_owned()),
            types::ValueRef::Blob(it) => Value::Bytes(it.to_vec()),
            real @ types::ValueRef::Real(_) => {
                return Err(rusqlite::Error::InvalidColumnType(
                    at,
                    String::new(),
                    real.data_type(),
                ));
            }
        });
    }
    Ok(Row(values))
}

fn from_far(row: &tokio_postgres::Row) -> Result<Row, AnyError> {
    let read = |(at, column): (usize, &tokio_postgres::Column)| -> Result<Value, AnyError> {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.into(),
            _ => row.try_get::<_, Option<String>>(at)?.into(),
        })
    };
    Ok(Row(row.columns().iter().enumerate().map(read).collect::<Result<_, _>>()?))
}

/// What rows have to be, and the values that say so.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Filter {
    /// A filter that begins with a test without values.
    pub(super) fn new(first: &str) -> Self {
        Self { sql: first.to_owned(), values: Vec::new() }
    }

    /// Takes a value; its number in the statement.
    pub(super) fn with(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// Adds a test whose `?` stands for that value, if there is one.
    pub(super) fn and_if(&mut self, test: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let place = self.with(value);
            self.sql += &format!(" AND {}", test.replace('?', &place));
        }
    }
}
