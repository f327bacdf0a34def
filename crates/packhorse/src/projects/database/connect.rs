//! A connection to the database, with TLS where it is asked for.

use super::{super::arguments::DatabaseArguments, explained};
use crate::{error::AppError, postgres_tls::Tls};
use packhorse_core::Secret;
use std::time::Duration;
use tokio_postgres::{Client, Config, NoTls, config::SslMode};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connects; the connection lives in a task of its own until the client is dropped.
pub(super) async fn connect(
    arguments: &DatabaseArguments,
    password: &Secret,
) -> Result<Client, AppError> {
    let mut config = Config::new();
    config
        .host(&arguments.host)
        .port(arguments.port)
        .user(&arguments.user)
        .dbname(&arguments.name)
        .application_name("packhorse")
        .connect_timeout(PATIENCE)
        // Whatever happens, a session that reads cannot write.
        .options("-c default_transaction_read_only=on");
    if !password.expose().is_empty() {
        config.password(password.expose());
    }
    let fail = |error: tokio_postgres::Error| {
        AppError::failed(format!(
            "could not reach the database `{}` on `{}`, port {}, as `{}`",
            arguments.name, arguments.host, arguments.port, arguments.user
        ))
        .because(explained(&error))
        .hint(remedy(&error))
    };
    if !arguments.tls {
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(fail)?;
        tokio::spawn(async move { drop(connection.await) });
        return Ok(client);
    }
    config.ssl_mode(SslMode::Require);
    let tls = Tls::trusting(arguments.ca.as_deref())?;
    let (client, connection) = config.connect(tls).await.map_err(fail)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    use tokio_postgres::error::SqlState;
    match error.code() {
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            "say another name with --postgres-dbname; `psql -l` lists what there is"
        }
        Some(code)
            if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION]
                .contains(code) =>
        {
            "look at --postgres-user and at the password, which is asked for when it is left out; \
             if the server wants TLS, say --postgres-tls"
        }
        Some(_) => "look at what the server says",
        None => {
            "is it running, and can this machine reach it? Inside the cluster its port can be \
             brought here with `kubectl port-forward`; --postgres-port says another port"
        }
    }
}
