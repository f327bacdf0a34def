use super::*;
use proptest::prelude::*;
use serde_json::json;

fn pointer(n: u64) -> Pointer {
    Pointer::new(&format!("{n:064x}"), n).unwrap()
}

fn read(operation: Operation, answer: &serde_json::Value) -> Result<Vec<Granted>, Malformed> {
    let now = Timestamp::from_second(1_000_000_000).unwrap();
    let bytes = serde_json::to_vec(answer).unwrap();
    read_answer(&bytes, operation, &[pointer(1), pointer(2)], now)
}

fn one(object: serde_json::Value) -> Result<Granted, Malformed> {
    let answer = json!({ "objects": [object] });
    read(Operation::Download, &answer).map(|mut it| it.remove(0))
}

fn action(action: serde_json::Value) -> Result<Action, Malformed> {
    let object = json!({ "oid": pointer(1).sha256, "size": 1, "actions": { "download": action } });
    one(object).map(|it| match it.verdict {
        Verdict::Move { action, .. } => *action,
        Verdict::Nothing | Verdict::Refused { .. } => panic!("{:?}", it.verdict),
    })
}

#[test]
fn the_example_of_the_specification_is_read() {
    let answer = json!({
        "transfer": "basic",
        "objects": [{
            "oid": pointer(1).sha256, "size": 123, "authenticated": true,
            "actions": {
                "upload": {
                    "href": "https://some-upload.com/1",
                    "header": { "Authorization": "Basic s3cret" },
                    "expires_in": 86400,
                },
                "verify": { "href": "https://some-verify-callback.com" },
            },
        }, { "oid": pointer(2).sha256, "size": 2 }],
        "hash_algo": "sha256",
    });

    let granted = read(Operation::Upload, &answer).unwrap();

    let Verdict::Move { action, verify } = &granted[0].verdict else { panic!("{granted:?}") };
    assert!(granted[0].is_authenticated);
    assert_eq!(action.href.as_str(), "https://some-upload.com/1");
    assert_eq!(action.headers["authorization"], "Basic s3cret");
    assert_eq!(action.expires.unwrap().as_second(), 1_000_086_400);
    assert!(verify.is_some());
    assert!(matches!(granted[1].verdict, Verdict::Nothing));
    assert!(!format!("{granted:?}").contains("s3cret"));
}

#[test]
fn objects_are_refused_one_by_one() {
    let error = json!({ "code": 404, "message": "Object\u{1b} does not exist" });
    let granted = one(json!({ "oid": pointer(1).sha256, "error": error })).unwrap();

    let Verdict::Refused { code, message } = granted.verdict else { panic!() };
    assert_eq!((code, message.as_str()), (404, "Object  does not exist"));
}

#[test]
fn an_object_that_is_left_out_is_refused_and_one_too_many_is_left_out() {
    let granted = read(Operation::Download, &json!({ "objects": [{ "oid": "strange" }] })).unwrap();

    assert_eq!(granted.len(), 2);
    let is_refused = |it: &Granted| matches!(it.verdict, Verdict::Refused { code: 0, .. });
    assert!(granted.iter().all(is_refused));
}

#[test]
fn an_expiry_is_read_in_both_forms_and_year_one_is_none() {
    let expires = |more: serde_json::Value| {
        let mut it = json!({ "href": "https://h.example/" });
        it.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        action(it).unwrap().expires.map(Timestamp::as_second)
    };

    assert_eq!(expires(json!({ "expires_at": "2001-09-09T01:46:41Z" })), Some(1_000_000_001));
    assert_eq!(expires(json!({ "expires_at": "0001-01-01T00:00:00Z" })), None);
    assert_eq!(expires(json!({ "expires_in": -5 })), Some(999_999_995));
    assert_eq!(expires(json!({ "expires_in": i64::MAX })), Some(1_000_000_000 + MAX_EXPIRY));
    assert_eq!(expires(json!({ "expires_in": 0 })), None);
}

#[test]
fn a_server_cannot_frame_our_requests() {
    let header = json!({ "Transfer-Encoding": "chunked", "Host": "x", "X-Key": "y" });
    let action = action(json!({ "href": "https://h.example/", "header": header })).unwrap();

    let names: Vec<&str> = action.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["x-key"]);
}

#[test]
fn credentials_leave_the_address() {
    let action = action(json!({ "href": "https://me:s3cret@h.example/a" })).unwrap();

    assert_eq!(action.href.as_str(), "https://h.example/a");
    assert_eq!(action.headers["authorization"], "Basic bWU6czNjcmV0");
}

#[test]
fn actions_that_cannot_be_are_malformed() {
    for bad in [
        json!({ "href": "file:///etc/passwd" }),
        json!({ "href": "/relative" }),
        json!({}),
        json!({ "href": "https://h.example/", "header": { "a b": "c" } }),
        json!({ "href": "https://h.example/", "header": { "a": "c\r\nd: e" } }),
    ] {
        assert!(action(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn other_ways_and_hashes_are_malformed() {
    for bad in [
        json!({ "objects": [], "transfer": "tus" }),
        json!({ "objects": [], "hash_algo": "sha512" }),
        json!({ "message": "no" }),
        json!("<html>"),
    ] {
        assert!(read(Operation::Upload, &bad).is_err(), "{bad}");
    }
}

#[test]
fn a_question_is_what_the_specification_shows() {
    let question = serde_json::to_value(Question::new(Operation::Upload, &[pointer(7)])).unwrap();

    let objects = json!([{ "oid": pointer(7).sha256, "size": 7 }]);
    let expected = json!({
        "operation": "upload", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256",
    });
    assert_eq!(question, expected);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_grant_what_was_not_asked(
        code in any::<u16>(), message in ".{0,40}", href in ".{0,40}", seconds in any::<i64>(),
        at in ".{0,30}", name in ".{0,10}", value in ".{0,10}",
    ) {
        let action = json!({
            "href": href, "header": { name: value }, "expires_in": seconds, "expires_at": at,
        });
        let answer = json!({ "objects": [
            { "oid": pointer(1).sha256, "actions": { "download": action } },
            { "oid": pointer(2).sha256, "error": { "code": code, "message": message } },
        ]});

        if let Ok(granted) = read(Operation::Download, &answer) {
            prop_assert_eq!(granted.len(), 2);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let now = Timestamp::UNIX_EPOCH;
        drop(read_answer(&bytes, Operation::Upload, &[pointer(1)], now));
    }
}
