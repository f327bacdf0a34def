//! Between the archive's records and the model, both ways, a file a family.
//!
//! Reading takes what a record says and notes what it could not make out;
//! writing takes a model object and its place, and never fails: what has no
//! key is found by reading the result again and comparing (see `losses.rs`).

pub(super) mod account;
pub(super) mod change_request;
pub(super) mod comment;
pub(super) mod discussion;
pub(super) mod file;
pub(super) mod id;
pub(super) mod issue;
pub(super) mod member;
pub(super) mod project;
pub(super) mod reaction;
pub(super) mod release;
pub(super) mod review;
pub(super) mod rule;

use super::address::{self, Address};
use packhorse_core::{
    Loss,
    model::{Identity, Markup, Text, Time},
};

/// The markup that bodies are written in.
const FORMATTER: &str = "markdown";

/// What could not be made out of a record.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) losses: Vec<Loss>,
}

impl Notes {
    /// Notes that a field holds what nobody understands.
    fn odd(&mut self, field: &'static str, value: impl std::fmt::Display) {
        let value: String = value.to_string().chars().take(100).collect();
        self.losses.push(Loss::source(field, format!("`{value}` is not known here")));
    }

    /// Reads a time.
    fn time(&mut self, field: &'static str, text: Option<String>) -> Option<Time> {
        let text = text.filter(|it| !it.is_empty())?;
        let time = text.parse().ok();
        if time.is_none() {
            self.odd(field, text);
        }
        time
    }
}

fn text(body: Option<String>) -> Option<Text> {
    body.map(|it| Text::new(it, Markup::Github))
}

fn body(text: Option<&Text>) -> Option<String> {
    text.map(|it| it.as_str().to_owned())
}

fn time(time: Option<Time>) -> Option<String> {
    time.map(|it| it.to_string())
}

fn identity(url: Option<&str>) -> Option<Identity> {
    url.filter(|it| !it.is_empty()).map(|it| Address::of(it).identity())
}

fn identities(urls: Vec<String>) -> Vec<Identity> {
    urls.iter().map(|it| Address::of(it).identity()).collect()
}

fn user(identity: Option<&Identity>) -> Option<String> {
    identity.map(address::user)
}

fn owned(text: &str) -> String {
    text.to_owned()
}

fn formatter() -> Option<String> {
    Some(owned(FORMATTER))
}
