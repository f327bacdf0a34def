//! `token`: the service's personal tokens.

use super::serve::kept;
use crate::{
    cli::{Globals, Lasts, Token},
    config::Hosts,
    document,
    error::{AppError, Status},
    terminal,
};
use packhorse_core::model::Time;
use packhorse_server::{TokenRow, token};

/// Makes, lists or takes back tokens.
pub(super) async fn run(globals: &Globals, what: &Token) -> Result<Status, AppError> {
    let (store, key) = kept::open(globals, &Hosts::read(globals)?).await?.state;
    match what {
        Token::Create { user, name, scopes, expires: Lasts(lasts) } => {
            let is_name = |it: char| it.is_alphanumeric() || "-_.@".contains(it);
            if user.is_empty() || !user.chars().all(is_name) {
                return Err(AppError::usage(format!("`{user}` is no name of an account"))
                    .hint("use letters, digits, `-`, `_`, `.` and `@`"));
            }
            let scopes = scopes.iter().copied().collect();
            let made = token::create((&store, &key), (user, name), &scopes, *lasts).await;
            let made =
                made.map_err(|error| AppError::failed("could not make a token").because(error))?;
            terminal::talk("this token is shown once and kept nowhere:");
            terminal::data(&format!("{}\n", made.expose()));
        }
        Token::List => {
            let tokens = store.tokens().await.map_err(failed)?;
            if globals.json {
                terminal::data(&document::json(&tokens)?);
            } else {
                tokens.iter().for_each(|it| terminal::data(&line(it)));
            }
        }
        Token::Revoke { id } => {
            if !store.revoke_token(id).await.map_err(failed)? {
                return Err(AppError::failed(format!("there is no token `{id}` to take back"))
                    .hint("`packhorse token list` lists them"));
            }
            terminal::talk(&format!("token {id} is good for nothing any more"));
        }
    }
    Ok(Status::Done)
}

fn failed(error: packhorse_server::StoreError) -> AppError {
    AppError::failed(error.to_string()).because(error)
}

fn line(token: &TokenRow) -> String {
    let moment = |ms| Time::from_millis(ms).unwrap_or_default().to_string();
    let until = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("taken back {}", moment(at)),
        (None, Some(at)) => format!("until {}", moment(at)),
        (None, None) => "without end".to_owned(),
    };
    format!("{}  {:<16} {:<16} {until}  {}\n", token.id, token.user, token.scopes, token.name)
}
