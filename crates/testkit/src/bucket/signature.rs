//! Amazon's fourth version of signatures, as a server checks them.
//!
//! Source: Amazon, *Create a signed AWS API request* and *Authenticating Requests: Using Query
//! Parameters*.

use super::Refusal;
use data_encoding::HEXLOWER;
use http::{HeaderMap, Method, StatusCode};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use ring::hmac;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far a client's clock may be off, in seconds.
const SKEW: i64 = 15 * 60;

/// Who may ask.
pub(super) struct Keys {
    pub(super) id: &'static str,
    pub(super) secret: &'static str,
}

/// A request as it is signed.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// As it was sent, still encoded.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What a signature says of itself.
struct Claim {
    /// `id/date/region/service/aws4_request`.
    credential: String,
    at: String,
    signed_headers: String,
    signature: String,
    payload: String,
    /// Seconds from `at`.
    lasts: i64,
}

fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}

/// Refuses a request that is not signed by these keys, or whose body is not the one that was signed.
pub(super) fn check(keys: &Keys, asked: &Asked<'_>) -> Result<(), Refusal> {
    let by_query = value(asked.query, "X-Amz-Signature").is_some();
    let claim = if by_query { of_query(asked) } else { of_headers(asked) };
    let claim = claim.ok_or_else(|| refused("AccessDenied", "the request is not signed"))?;
    let mut scope = claim.credential.splitn(2, '/');
    if scope.next() != Some(keys.id) {
        return Err(refused("InvalidAccessKeyId", "nobody has that key"));
    }
    let scope = scope.next().unwrap_or_default();
    let parts: Vec<_> = scope.split('/').collect();
    let [date, region, "s3", "aws4_request"] = parts[..] else {
        return Err(refused("AuthorizationHeaderMalformed", format!("the scope is {scope}")));
    };
    let age = age(&claim.at).ok_or_else(|| refused("AccessDenied", "no date"))?;
    if !claim.at.starts_with(date) || age < -SKEW || age > claim.lasts {
        return Err(refused("AccessDenied", "Request has expired"));
    }
    if claim.payload != "UNSIGNED-PAYLOAD"
        && claim.payload != HEXLOWER.encode(&Sha256::digest(asked.body))
    {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "XAmzContentSHA256Mismatch",
            "the body is not the one that was signed",
        ));
    }
    let canonical = canonical(asked, &claim);
    let digest = HEXLOWER.encode(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{digest}", claim.at);
    let mut key = sign(format!("AWS4{}", keys.secret).as_bytes(), date);
    for part in [region, "s3", "aws4_request"] {
        key = sign(&key, part);
    }
    if HEXLOWER.encode(&sign(&key, &to_sign)) != claim.signature {
        let why = "The request signature we calculated does not match";
        return Err(refused("SignatureDoesNotMatch", why));
    }
    Ok(())
}

fn of_headers(asked: &Asked<'_>) -> Option<Claim> {
    let header = |name: &str| asked.headers.get(name)?.to_str().ok().map(str::to_owned);
    let authorization = header("authorization")?;
    let rest = authorization.strip_prefix(ALGORITHM)?;
    let part = |name: &str| {
        let mut parts = rest.split(',').filter_map(|it| it.trim().split_once('='));
        parts.find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    Some(Claim {
        credential: part("Credential")?,
        at: header("x-amz-date")?,
        signed_headers: part("SignedHeaders")?,
        signature: part("Signature")?,
        payload: header("x-amz-content-sha256")?,
        lasts: SKEW,
    })
}

fn of_query(asked: &Asked<'_>) -> Option<Claim> {
    let part = |name: &str| value(asked.query, name);
    (part("X-Amz-Algorithm")? == ALGORITHM).then_some(())?;
    Some(Claim {
        credential: part("X-Amz-Credential")?,
        at: part("X-Amz-Date")?,
        signed_headers: part("X-Amz-SignedHeaders")?,
        signature: part("X-Amz-Signature")?,
        payload: "UNSIGNED-PAYLOAD".to_owned(),
        lasts: part("X-Amz-Expires")?.parse().ok()?,
    })
}

/// A value of a query.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|it| it.0 == name).map(|it| it.1.into_owned())
}

/// Seconds since a moment such as `20260131T235959Z`.
fn age(at: &str) -> Option<i64> {
    let then = DateTime::strptime("%Y%m%dT%H%M%SZ", at).ok()?;
    let then = then.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::now().as_second() - then.as_second())
}

fn canonical(asked: &Asked<'_>, claim: &Claim) -> String {
    let path = encoded(&decoded(asked.path), true);
    let pairs = form_urlencoded::parse(asked.query.as_bytes());
    let mut pairs: Vec<_> = pairs
        .filter(|it| it.0 != "X-Amz-Signature")
        .map(|(name, value)| format!("{}={}", encoded(&name, false), encoded(&value, false)))
        .collect();
    pairs.sort();
    let mut headers = String::new();
    for name in claim.signed_headers.split(';') {
        let values = asked.headers.get_all(name);
        let values: Vec<_> = values.iter().filter_map(|it| it.to_str().ok()).collect();
        headers += &format!("{name}:{}\n", values.join(",").trim());
    }
    format!(
        "{}\n{path}\n{}\n{headers}\n{}\n{}",
        asked.method,
        pairs.join("&"),
        claim.signed_headers,
        claim.payload
    )
}

/// A path as it is meant.
pub(super) fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|it| std::str::from_utf8(it).ok());
        match code.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encoded(text: &str, is_path: bool) -> String {
    let mut done = String::new();
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if is_plain || (is_path && byte == b'/') {
            done.push(char::from(byte));
        } else {
            done += &format!("%{byte:02X}");
        }
    }
    done
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: Amazon, *Authenticating Requests: Using Query Parameters*, the example there.
    #[test]
    fn a_signature_is_the_one_of_the_published_example() {
        let headers = HeaderMap::from_iter([(
            http::header::HOST,
            http::HeaderValue::from_static("examplebucket.s3.amazonaws.com"),
        )]);
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F\
                     20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&\
                     X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02\
                     ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let asked =
            Asked { method: &Method::GET, path: "/test.txt", query, headers: &headers, body: b"" };

        let claim = of_query(&asked).unwrap();
        let digest = HEXLOWER.encode(&Sha256::digest(canonical(&asked, &claim).as_bytes()));

        assert_eq!(digest, "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04");
        let keys = Keys { id: "AKIAIOSFODNN7EXAMPLE", secret: "s" };
        assert_eq!(check(&keys, &asked).unwrap_err().code, "AccessDenied");
    }
}
