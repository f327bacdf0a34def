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

/// What the library says when the server wants a password and there is none.
const NO_PASSWORD: &str = "password missing";

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
        None if explained(error).contains(NO_PASSWORD) => {
            "the server wants a password: leave --postgres-passwd out, and it is asked for; from a \
             pipe it is the first line; or set PGPASSWORD"
        }
        None => {
            "is it running, and can this machine reach it? Inside the cluster its port can be \
             brought here with `kubectl port-forward`; --postgres-port says another port"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    #[tokio::test]
    async fn a_server_that_wants_a_password_is_told_as_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            // AuthenticationCleartextPassword, as PostgreSQL's protocol writes it.
            stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await.unwrap();
            stream.read(&mut [0; 1024]).await.unwrap_or_default()
        });
        let arguments = DatabaseArguments {
            host: "127.0.0.1".into(),
            port,
            user: "postgres".into(),
            password: None,
            name: "anaconda_storage".into(),
            query: None,
            tls: false,
            ca: None,
        };

        let error = connect(&arguments, &Secret::new("")).await.err().unwrap().to_string();

        assert!(error.contains("the server wants a password"), "{error}");
        drop(served);
    }
}
