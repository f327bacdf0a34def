//! Arguments of the service and of its tokens.

use clap::{Args, Subcommand, ValueEnum};
use packhorse_server::token::Scope;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The service.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Everything that it keeps stands in the directory that `--journal` names: the journal, its own
database, its key, the store, archives. With `--journal-url` the first two stand in a PostgreSQL
database, and any `packhorse worker` on it that has the key runs what clients ask for. Clients need a token: `packhorse token create --user NAME`.
What it reads from and writes to, and under which address people know it, stands in the
configuration: docs/guides/service.md.")]
pub(crate) struct Serve {
    /// Address to listen on; 127.0.0.1 is this machine alone
    #[arg(
        long,
        env = "PACKHORSE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) listen: SocketAddr,
    /// PEM file with the certificate and its chain, to serve over TLS
    #[arg(long, env = "PACKHORSE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's key
    #[arg(long, env = "PACKHORSE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Jobs that it runs side by side; 0 leaves them to workers [default: what the configuration
    /// says, or 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=64))]
    pub(crate) workers: Option<u16>,
    /// Form of the log, on stderr
    #[arg(long, value_enum, default_value_t = Log::Json)]
    pub(crate) log: Log,
    /// Seconds after which a silent worker's job may be taken over
    #[arg(long, default_value_t = 15, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) lease: u64,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// An object a line
    Json,
    /// For reading
    Text,
}

/// What to do with tokens of the service.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Token {
    /// Makes a token and prints it, this once
    Create {
        /// Account that acts with it
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it is for
        #[arg(long, default_value = "", value_name = "TEXT")]
        name: String,
        /// What it may do: read, migrate (start and delete too), admin (what others started too)
        #[arg(
            long = "scope",
            value_delimiter = ',',
            default_value = "migrate",
            value_name = "SCOPE,…"
        )]
        scopes: Vec<Scope>,
        /// How long it is good, such as 90d, 12h or 30m; `never` for no end
        #[arg(long, default_value = "90d", value_parser = lasts, value_name = "TIME")]
        expires: Lasts,
    },
    /// Lists tokens: who has them, what they may do, until when
    List,
    /// Takes a token back
    Revoke {
        /// What stands before the token in the list
        // One in sixty-four begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

/// How long a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lasts(pub(crate) Option<Duration>);

fn lasts(text: &str) -> Result<Lasts, String> {
    if text == "never" {
        return Ok(Lasts(None));
    }
    let fail = || "write a number and a unit, such as 90d, 12h or 30m, or `never`".to_owned();
    let unit = text.chars().last().ok_or_else(fail)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 24 * 3_600,
        'w' => 7 * 24 * 3_600,
        _ => return Err(fail()),
    };
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| fail())?;
    let seconds = number.checked_mul(seconds).filter(|it| *it > 0).ok_or_else(fail)?;
    Ok(Lasts(Some(Duration::from_secs(seconds))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(lasts("never"), Ok(Lasts(None)));
        assert_eq!(lasts("90d"), Ok(Lasts(Some(Duration::from_secs(90 * 86_400)))));
        assert_eq!(lasts("5m"), Ok(Lasts(Some(Duration::from_secs(300)))));
        for wrong in ["", "d", "0d", "5", "-1d", "5ü", "99999999999999999999d"] {
            assert!(lasts(wrong).is_err(), "{wrong}");
        }
    }
}

/// A worker.
#[derive(Clone, Debug, Args)]
pub(crate) struct Worker {
    /// End when no job waits, instead of waiting for one
    #[arg(long)]
    pub(crate) once: bool,
    /// How it runs.
    #[command(flatten)]
    pub(crate) tuning: super::Tuning,
}
