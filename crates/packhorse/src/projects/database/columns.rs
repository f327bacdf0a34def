//! Which columns there are, and what they mean.

use crate::error::AppError;
use std::collections::BTreeMap;
use tokio_postgres::Transaction;

/// What a column can mean, and the names that say so.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    names: &'static [&'static str],
}

/// Columns of the table of projects.
const ID: Meaning = Meaning { names: &["id", "project_id"] };
const NAME: Meaning = Meaning { names: &["name", "project_name"] };
const OWNER: Meaning =
    Meaning { names: &["owner", "owner_name", "owner_username", "username", "user_name"] };
const REPOSITORY: Meaning = Meaning { names: &["repository", "repository_name", "repo_name"] };
/// Columns of the table of collaborators.
const PROJECT: Meaning = Meaning { names: &["project_id", "project"] };
const COLLABORATOR: Meaning = Meaning {
    names: &["name", "username", "user_name", "user", "collaborator", "principal", "member"],
};
const PERMISSION: Meaning =
    Meaning { names: &["permission", "permissions", "access", "access_level", "role"] };
const TYPE: Meaning =
    Meaning { names: &["type", "kind", "acl_type", "principal_type", "collaborator_type"] };

/// The tables.
const PROJECTS: &str = "projects";
const ACLS: &str = "project_acls";

/// Names that a query of one's own gives its columns.
const OWN: [&str; 7] = ["id", "owner", "name", "repository", "collaborator", "permission", "type"];

/// Tables that carry the names of ours, with their columns, by schema.
#[derive(Debug, Default)]
pub(super) struct Columns {
    by_table: BTreeMap<(String, String), Vec<String>>,
}

/// Where each value comes from: SQL expressions, `NULL` where there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    from: String,
    values: [String; 7],
}

impl Columns {
    /// Asks the database.
    pub(super) async fn of(transaction: &Transaction<'_>) -> Result<Self, tokio_postgres::Error> {
        let question = "SELECT table_schema::text, table_name::text, column_name::text \
             FROM information_schema.columns \
             WHERE table_name IN ('projects', 'project_acls') \
             AND table_schema NOT IN ('pg_catalog', 'information_schema') \
             ORDER BY table_schema, table_name, ordinal_position LIMIT 10000";
        let mut columns = Self::default();
        for row in transaction.query(question, &[]).await? {
            let table = (row.try_get(0)?, row.try_get(1)?);
            columns.by_table.entry(table).or_default().push(row.try_get(2)?);
        }
        Ok(columns)
    }

    /// Tells what was found, a table a line.
    fn told(&self) -> Vec<String> {
        if self.by_table.is_empty() {
            return vec![format!("found neither a table `{PROJECTS}` nor `{ACLS}`")];
        }
        let tables = self.by_table.iter();
        tables
            .map(|((schema, table), list)| format!("found {schema}.{table} ({})", list.join(", ")))
            .collect()
    }

    /// The one table of a name.
    fn table(&self, name: &str) -> Result<(String, &[String]), String> {
        let mut found = self.by_table.iter().filter(|((_, table), _)| table == name);
        match (found.next(), found.next()) {
            (Some(((schema, table), columns)), None) => {
                Ok((format!("{}.{}", quoted(schema), quoted(table)), columns))
            }
            (None, _) => Err(format!("there is no table `{name}`")),
            (Some(_), Some(_)) => Err(format!("there are several tables `{name}`")),
        }
    }

    /// Understands the tables, or stops with what was found in `database`.
    pub(super) fn understand(&self, database: &str) -> Result<Layout, AppError> {
        self.layout().map_err(|why| {
            let error = AppError::failed(format!(
                "the tables of the database `{database}` are not understood: {why}"
            ));
            self.told().into_iter().fold(error, AppError::hint).hint(
                "say what is meant with --postgres-query 'SELECT p.… AS id, p.… AS owner, \
                     a.… AS collaborator, a.… AS permission FROM … p LEFT JOIN … a ON …', or name \
                     another database with --postgres-dbname",
            )
        })
    }

    fn layout(&self) -> Result<Layout, String> {
        let (projects, of_projects) = self.table(PROJECTS)?;
        let (acls, of_acls) = self.table(ACLS)?;
        let must = |columns, meaning: Meaning, table, what| {
            one(columns, meaning, table)?.ok_or_else(|| {
                format!("no column of `{table}` is {what} ({})", meaning.names.join(", "))
            })
        };
        let id = must(of_projects, ID, PROJECTS, "the project's id")?;
        let reference = must(of_acls, PROJECT, ACLS, "the project's id")?;
        let collaborator = must(of_acls, COLLABORATOR, ACLS, "the collaborator's name")?;
        let permission = must(of_acls, PERMISSION, ACLS, "what a collaborator may do")?;
        let optional = |columns, meaning, table, alias: &str| -> Result<String, String> {
            let column = one(columns, meaning, table)?;
            Ok(column.map_or_else(|| "NULL".to_owned(), |it| format!("{alias}.{}", quoted(&it))))
        };
        // Without a column, the owner is the collaborator whose permission says so.
        let owner = optional(of_projects, OWNER, PROJECTS, "p")?;
        Ok(Layout {
            from: format!(
                "{projects} p LEFT JOIN {acls} a ON a.{}::text = p.{}::text",
                quoted(&reference),
                quoted(&id)
            ),
            values: [
                format!("p.{}", quoted(&id)),
                owner,
                optional(of_projects, NAME, PROJECTS, "p")?,
                optional(of_projects, REPOSITORY, PROJECTS, "p")?,
                format!("a.{}", quoted(&collaborator)),
                format!("a.{}", quoted(&permission)),
                optional(of_acls, TYPE, ACLS, "a")?,
            ],
        })
    }
}

/// The one column that has a meaning.
fn one(columns: &[String], meaning: Meaning, table: &str) -> Result<Option<String>, String> {
    let found: Vec<&str> =
        meaning.names.iter().copied().filter(|it| columns.iter().any(|c| c == it)).collect();
    match found[..] {
        [] => Ok(None),
        [column] => Ok(Some(column.to_owned())),
        _ => Err(format!("several columns of `{table}` could be meant: {}", found.join(", "))),
    }
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Layout {
    /// The layout of a query of one's own, by the names of its columns.
    pub(super) fn of_query(columns: &[String]) -> Result<Self, String> {
        let has = |name: &str| columns.iter().any(|it| it == name);
        if let Some(missing) = ["id", "owner"].into_iter().find(|it| !has(it)) {
            return Err(format!("gives no column `{missing}`"));
        }
        if has("collaborator") && !has("permission") {
            return Err("gives collaborators and no column `permission`".to_owned());
        }
        let value = |name: &str| match has(name) {
            true => format!("q.{}", quoted(name)),
            false => "NULL".to_owned(),
        };
        Ok(Self { from: String::new(), values: OWN.map(value) })
    }

    /// The question whose answer has a row for each project and collaborator.
    pub(super) fn query(&self) -> String {
        let values = self.values.iter().map(|it| format!("{it}::text")).collect::<Vec<_>>();
        format!("SELECT {} FROM {} ORDER BY 1, 2, 5", values.join(", "), self.from)
    }

    /// The same over a query of one's own, in brackets.
    pub(super) fn query_over(self, query: &str) -> String {
        Self { from: format!("{query} q"), ..self }.query()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(tables: &[(&str, &str, &[&str])]) -> Columns {
        let of = |list: &&[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let by_table = tables
            .iter()
            .map(|(schema, table, list)| (((*schema).to_owned(), (*table).to_owned()), of(list)));
        Columns { by_table: by_table.collect() }
    }

    #[track_caller]
    fn check_unclear(tables: &[(&str, &str, &[&str])], why: &str) {
        let error = columns(tables).understand("anaconda_storage").err().unwrap().to_string();

        assert!(error.contains(why), "{error}");
        assert!(error.contains("--postgres-query"), "{error}");
    }

    const ACL: (&str, &str, &[&str]) =
        ("public", "project_acls", &["project_id", "name", "access"]);

    #[test]
    fn tables_are_understood_by_the_names_of_their_columns() {
        let acls = ("s", ACL.1, ACL.2);
        let found = columns(&[("s", "projects", &["id", "name", "owner", "created"]), acls]);
        let layout = found.layout().unwrap();

        assert_eq!(
            layout.query(),
            "SELECT p.\"id\"::text, p.\"owner\"::text, p.\"name\"::text, NULL::text, \
             a.\"name\"::text, a.\"access\"::text, NULL::text FROM \"s\".\"projects\" p \
             LEFT JOIN \"s\".\"project_acls\" a ON a.\"project_id\"::text = p.\"id\"::text \
             ORDER BY 1, 2, 5"
        );
    }

    #[test]
    fn what_is_not_clear_stops_with_what_was_found() {
        check_unclear(&[], "there is no table `projects`");
        check_unclear(&[ACL], "there is no table `projects`");
        check_unclear(
            &[("a", "projects", &["id"]), ("b", "projects", &["id"]), ACL],
            "there are several tables `projects`",
        );
        check_unclear(
            &[("public", "projects", &["id", "owner", "username"]), ACL],
            "several columns of `projects` could be meant: owner, username",
        );
        check_unclear(
            &[("public", "projects", &["key", "owner"]), ACL],
            "no column of `projects` is the project's id (id, project_id)",
        );
        check_unclear(
            &[("public", "projects", &["id"]), ("public", "project_acls", &["project_id", "name"])],
            "found public.project_acls (project_id, name)",
        );
    }

    #[test]
    fn a_query_of_ones_own_needs_an_id_and_an_owner() {
        let of = |list: &[&str]| {
            Layout::of_query(&list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };

        assert_eq!(of(&["id"]).unwrap_err(), "gives no column `owner`");
        assert!(of(&["id", "owner", "collaborator"]).is_err());
        let query = of(&["owner", "id", "more"]).unwrap().query_over("(SELECT 1)");
        assert!(query.starts_with("SELECT q.\"id\"::text, q.\"owner\"::text, NULL::text"));
        assert!(query.ends_with("FROM (SELECT 1) q ORDER BY 1, 2, 5"), "{query}");
    }
}
