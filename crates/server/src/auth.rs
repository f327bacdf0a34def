//! Where a request carries its token, in each API's own forms.

use crate::{
    service::Service,
    store::StoreError,
    token::{self, Caller, Scope},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use packhorse_core::Secret;
use url::form_urlencoded;

/// Which forms are taken beside `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forms {
    /// None.
    Authorization,
    /// `PRIVATE-TOKEN` and `?private_token=`, as GitLab does.
    PrivateToken,
}

/// Why somebody may not.
#[derive(Debug)]
pub(crate) enum Denied {
    /// There is no token.
    Missing,
    /// The token is nobody's.
    Unknown,
    /// The token may not do that.
    Scope,
    /// It could not be looked up.
    Store(StoreError),
}

/// Who calls, when they may do that.
pub(crate) async fn caller(
    service: &Service,
    parts: &Parts,
    forms: Forms,
    scope: Scope,
) -> Result<Caller, Denied> {
    let candidates = tokens(&parts.headers, parts.uri.query(), forms);
    let with = (&service.store, &service.key);
    let mut any = false;
    for token in &candidates {
        any = true;
        if let Some(caller) = token::holder(with, token).await.map_err(Denied::Store)? {
            return if caller.may(scope) { Ok(caller) } else { Err(Denied::Scope) };
        }
    }
    Err(if any { Denied::Unknown } else { Denied::Missing })
}

/// The tokens that a request carries; with Basic, both the name and the password may be one.
fn tokens(headers: &HeaderMap, query: Option<&str>, forms: Forms) -> Vec<Secret> {
    let mut found = Vec::new();
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if let Some(value) = text(AUTHORIZATION.as_str()) {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
            found.push(Secret::new(rest));
        } else if scheme.eq_ignore_ascii_case("basic") {
            found.extend(basic(rest).into_iter().flatten());
        }
    }
    if forms == Forms::PrivateToken {
        found.extend(text("private-token").map(Secret::new));
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let named = pairs.filter(|(name, _)| name == "private_token" || name == "access_token");
        found.extend(named.map(|(_, value)| Secret::new(value)));
    }
    found.truncate(3);
    found
}

fn basic(encoded: &str) -> Option<[Secret; 2]> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some([Secret::new(password), Secret::new(user)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(
        headers: &[(&'static str, &'static str)],
        query: &str,
        forms: Forms,
        expected: &[&str],
    ) {
        let map = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let found = tokens(&map.collect(), Some(query), forms);

        assert_eq!(found.iter().map(Secret::expose).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_token_is_taken_in_every_form_that_the_products_take() {
        check(&[("authorization", "Bearer abc")], "", Forms::Authorization, &["abc"]);
        check(&[("authorization", "token abc")], "", Forms::Authorization, &["abc"]);
        let basic = [("authorization", "Basic YWxpY2U6YWJj")];
        check(&basic, "", Forms::Authorization, &["abc", "alice"]);
        check(&[("private-token", "abc")], "", Forms::PrivateToken, &["abc"]);
        check(&[], "page=2&private_token=abc", Forms::PrivateToken, &["abc"]);
    }

    #[test]
    fn forms_of_another_product_and_nonsense_are_not_taken() {
        check(&[("private-token", "abc")], "private_token=abc", Forms::Authorization, &[]);
        check(&[("authorization", "Basic ???")], "", Forms::Authorization, &[]);
        check(&[("authorization", "Digest abc")], "", Forms::Authorization, &[]);
    }
}
