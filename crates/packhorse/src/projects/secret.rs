//! Secrets that were left out of the arguments, asked for one after the other.
//!
//! On a terminal each is asked for by name, without showing it. From a pipe a line is read for
//! each that was left out, always in this order: the database's password, the origin's token, the
//! destination's token. An empty line, or the end of the pipe, leaves one blank.
//!
//! What is left blank is taken from the environment, where it is there; nobody at a terminal is
//! asked for that. A pipe has its lines all the same, so that their order never depends on it.

use super::{arguments::Arguments, host::ApiType};
use crate::{
    config::{self, End},
    error::AppError,
};
use packhorse_core::Secret;
use std::{
    env,
    io::{self, BufRead, IsTerminal},
};

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// The three secrets; any may be blank.
pub(super) struct Secrets {
    pub(super) database: Secret,
    pub(super) origin: Secret,
    pub(super) destination: Secret,
}

/// Which of them a command needs; it asks for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// To carry: the database's and both hosts'.
    All,
    /// To read both hosts.
    Hosts,
    /// To take away what is at the destination.
    Destination,
}

/// Environment variable of the database's password, as PostgreSQL's own programs read it.
const DATABASE: &str = "PGPASSWORD";

/// What the environment has under a name.
type Known = dyn Fn(&str) -> Option<String>;

/// Whoever is asked.
pub(super) trait Ask {
    /// Whether there is an answer for each that was left out, also for what is known otherwise.
    fn answers_all(&self) -> bool;

    /// One secret, without the end of its line.
    fn ask(&mut self, prompt: &str) -> io::Result<Secret>;
}

/// A person at a terminal.
struct Terminal;

impl Ask for Terminal {
    fn answers_all(&self) -> bool {
        false
    }

    fn ask(&mut self, prompt: &str) -> io::Result<Secret> {
        rpassword::prompt_password(format!("{prompt}: ")).map(Secret::new)
    }
}

/// Lines from a pipe.
struct Lines<R>(R);

impl<R: BufRead> Ask for Lines<R> {
    fn answers_all(&self) -> bool {
        true
    }

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
pub(super) fn ask(arguments: &Arguments, needs: Needs) -> Result<Secrets, AppError> {
    let stdin = io::stdin();
    let known = |name: &str| env::var(name).ok();
    if stdin.is_terminal() {
        return ask_of(arguments, needs, (&mut Terminal, &known));
    }
    ask_of(arguments, needs, (&mut Lines(stdin.lock()), &known))
}

fn ask_of(
    arguments: &Arguments,
    needs: Needs,
    (whom, known): (&mut dyn Ask, &Known),
) -> Result<Secrets, AppError> {
    let mut one = |is_needed: bool, given: &Option<String>, variable: &str, prompt: &str| {
        if given.is_some() || !is_needed {
            return Ok::<_, AppError>(Secret::new(given.clone().unwrap_or_default()));
        }
        let known = known(variable).filter(|it| !it.is_empty()).map(Secret::new);
        if let Some(known) = &known
            && !whom.answers_all()
        {
            return Ok(known.clone());
        }
        let said = whom.ask(prompt).map_err(|error| {
            AppError::failed(format!("could not read: {prompt}")).because(error)
        })?;
        Ok(known.filter(|_| said.expose().is_empty()).unwrap_or(said))
    };
    let (from, to) = (&arguments.origin, &arguments.destination);
    let prompts = (prompt("Origin", from.api), prompt("Destination", to.api));
    let variables = (config::token_variable(End::Source), config::token_variable(End::Target));
    let (is_whole, has_origin) = (needs == Needs::All, needs != Needs::Destination);
    let password = &arguments.database.password;
    let database = one(is_whole, password, DATABASE, "PostgreSQL password (may be blank)")?;
    let origin = one(has_origin, &from.token, variables.0, &prompts.0)?;
    let destination = one(true, &to.token, variables.1, &prompts.1)?;
    for (is_needed, token, host, option) in
        [(has_origin, &origin, from, "origin"), (true, &destination, to, "dest")]
    {
        if is_needed && token.expose().is_empty() && host.api != ApiType::Internal {
            return Err(wanting(&host.url, needs, option));
        }
    }
    Ok(Secrets { database, origin, destination })
}

/// A token that is not there.
fn wanting(url: &str, needs: Needs, option: &str) -> AppError {
    let error = AppError::usage(format!("`{url}` wants a token"));
    let (left_out, lines) = match needs {
        Needs::All => (
            format!("leave --{option}-token out and type it"),
            "one line each for the database's password, the origin's token, the destination's token",
        ),
        Needs::Hosts => (
            "type it when it is asked for".to_owned(),
            "one line each for the origin's token and the destination's token",
        ),
        Needs::Destination => {
            ("type it when it is asked for".to_owned(), "one line with the destination's token")
        }
    };
    let end = if option == "dest" { End::Target } else { End::Source };
    error
        .hint(format!("{left_out}, or pipe it in: {lines}"))
        .hint(format!("or set it in the environment, as {}", config::token_variable(end)))
}

fn prompt(side: &str, api: ApiType) -> String {
    let may = if api == ApiType::Internal { " (may be blank)" } else { "" };
    format!("{side} git host auth token{may}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projects::arguments::program;

    fn arguments(more: &str) -> Arguments {
        let text = format!(
            "--postgres-host h --origin-api-url http://o --dest-api-url http://d \
             --dest-user-mappings m {more}"
        );
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Arguments::read(program("t"), &words).unwrap()
    }

    fn told(found: Secrets) -> [String; 3] {
        [found.database, found.origin, found.destination].map(|it| it.expose().to_owned())
    }

    fn read(more: &str, piped: &str) -> Result<[String; 3], AppError> {
        let known = |_: &str| None;
        let whom = (&mut Lines(piped.as_bytes()) as &mut dyn Ask, &known as &Known);
        ask_of(&arguments(more), Needs::All, whom).map(told)
    }

    /// With each of the variables set to its own name.
    fn read_known(needs: Needs, whom: &mut dyn Ask) -> [String; 3] {
        let known = |name: &str| Some(name.to_owned());
        told(ask_of(&arguments(""), needs, (whom, &known)).unwrap())
    }

    /// Nobody who answers.
    struct Nobody;

    impl Ask for Nobody {
        fn answers_all(&self) -> bool {
            false
        }

        fn ask(&mut self, prompt: &str) -> io::Result<Secret> {
            panic!("{prompt} is asked for")
        }
    }

    #[test]
    fn what_a_pipe_leaves_blank_is_in_the_environment_and_its_order_stays() {
        let all = ["PGPASSWORD", "PACKHORSE_SOURCE_PASSWORD", "PACKHORSE_TARGET_PASSWORD"];
        let piped = |text: &'static str| Lines(text.as_bytes());

        assert_eq!(read_known(Needs::All, &mut Nobody), all);
        assert_eq!(read_known(Needs::All, &mut piped("")), all);
        assert_eq!(read_known(Needs::All, &mut piped("\n\nx\n")), [all[0], all[1], "x"]);
    }

    #[test]
    fn nothing_is_asked_for_that_is_not_needed() {
        let piped = |text: &'static str| Lines(text.as_bytes());

        assert_eq!(read_known(Needs::Hosts, &mut piped("x\ny\n")), ["", "x", "y"]);
        assert_eq!(read_known(Needs::Destination, &mut piped("x\ny\n")), ["", "", "x"]);
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
