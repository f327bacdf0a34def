//! Secrets that were left out of the arguments, asked for one after the other.
//!
//! On a terminal each is asked for by name, without showing it. From a pipe a line is read for
//! each that was left out, always in this order: the database's password, the origin's token, the
//! destination's token. An empty line, or the end of the pipe, leaves one blank.

use super::{arguments::Arguments, host::ApiType};
use crate::error::AppError;
use packhorse_core::Secret;
use std::io::{self, BufRead, IsTerminal};

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// The three secrets; any may be blank.
pub(super) struct Secrets {
    pub(super) database: Secret,
    pub(super) origin: Secret,
    pub(super) destination: Secret,
}

/// Whoever is asked.
pub(super) trait Ask {
    /// One secret, without the end of its line.
    fn ask(&mut self, prompt: &str) -> io::Result<Secret>;
}

/// A person at a terminal.
struct Terminal;

impl Ask for Terminal {
    fn ask(&mut self, prompt: &str) -> io::Result<Secret> {
        rpassword::prompt_password(format!("{prompt}: ")).map(Secret::new)
    }
}

/// Lines from a pipe.
struct Lines<R>(R);

impl<R: BufRead> Ask for Lines<R> {
    fn ask(&mut self, _: &str) -> io::Result<Secret> {
        let mut line = String::new();
        let read = io::Read::take(&mut self.0, MAX_SECRET).read_line(&mut line)?;
        if read as u64 == MAX_SECRET {
            return Err(io::Error::other("the line is too long for a password or token"));
        }
        let secret = Secret::new(line.trim_end_matches(['\r', '\n']));
        zeroize::Zeroize::zeroize(&mut line);
        Ok(secret)
    }
}

/// Asks for what was left out, on the terminal or from the pipe that stdin is.
pub(super) fn ask(arguments: &Arguments) -> Result<Secrets, AppError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return ask_of(arguments, &mut Terminal);
    }
    ask_of(arguments, &mut Lines(stdin.lock()))
}

fn ask_of(arguments: &Arguments, whom: &mut dyn Ask) -> Result<Secrets, AppError> {
    let mut one = |given: &Option<String>, prompt: &str| match given {
        Some(given) => Ok(Secret::new(given.clone())),
        None => whom
            .ask(prompt)
            .map_err(|error| AppError::failed(format!("could not read: {prompt}")).because(error)),
    };
    let database = one(&arguments.database.password, "PostgreSQL password (may be blank)")?;
    let origin = one(&arguments.origin.token, &prompt("Origin", arguments.origin.api))?;
    let destination =
        one(&arguments.destination.token, &prompt("Destination", arguments.destination.api))?;
    for (token, host, option) in
        [(&origin, &arguments.origin, "origin"), (&destination, &arguments.destination, "dest")]
    {
        if token.expose().is_empty() && host.api != ApiType::Internal {
            return Err(AppError::usage(format!("`{}` wants a token", host.url)).hint(format!(
                "leave --{option}-token out and type it, or pipe it in: one line each for the \
                 database's password, the origin's token, the destination's token"
            )));
        }
    }
    Ok(Secrets { database, origin, destination })
}

fn prompt(side: &str, api: ApiType) -> String {
    let may = if api == ApiType::Internal { " (may be blank)" } else { "" };
    format!("{side} git host auth token{may}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projects::arguments::program;

    fn read(more: &str, piped: &str) -> Result<[String; 3], AppError> {
        let text = format!(
            "--postgres-host h --origin-api-url http://o --dest-api-url http://d \
             --dest-user-mappings m {more}"
        );
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let arguments = Arguments::read(program("t"), &words).unwrap();
        let found = ask_of(&arguments, &mut Lines(piped.as_bytes()))?;
        let all = [found.database, found.origin, found.destination];
        Ok(all.map(|it| it.expose().to_owned()))
    }

    #[test]
    fn a_pipe_has_a_line_for_each_that_was_left_out_in_one_order() {
        assert_eq!(read("", "one\r\ntwo\nthree\nfour").unwrap(), ["one", "two", "three"]);
        assert_eq!(read("--origin-token=x", "one\ntwo\n").unwrap(), ["one", "x", "two"]);
        assert_eq!(read("", "\n\nthree").unwrap(), ["", "", "three"]);
        assert_eq!(read("", "").unwrap(), ["", "", ""]);
    }

    #[test]
    fn only_the_platforms_own_server_goes_without_a_token() {
        let error = read("--dest-api-type gitlab-v4-api", "one\ntwo\n").err().unwrap();

        assert!(error.to_string().contains("`http://d` wants a token"), "{error}");
        assert!(!error.to_string().contains("two"), "{error}");
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let error = read("", &"x".repeat(100_000)).err().unwrap();

        assert!(error.to_string().contains("too long"), "{error}");
    }
}
