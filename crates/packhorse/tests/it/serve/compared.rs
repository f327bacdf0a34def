//! One record of a job, as programs ask for it.

use super::{Server, filled, native::Client};
use rusqlite::Connection;
use serde_json::{Value, json};

fn field<'a>(told: &'a Value, name: &str) -> &'a Value {
    let fields = told["fields"].as_array().unwrap();
    fields.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}: {told}"))
}

#[test]
fn a_record_is_told_from_what_it_should_be() {
    let bench = filled();
    let server = Server::start(&bench);
    let root = Client::of(&bench, &server, "--user root --scope admin");
    let second = format!("local:{}", bench.path("second").display());
    let job = root.begin(&json!({"from": "store", "to": second}));
    root.becomes(&job, "finished");
    let one = |rest: &str| root.get(&format!("{job}/comparison?{rest}"));
    let label = "project=acme/widgets&kind=label&id=bug";

    for rest in [label, "kind=project&project=acme/widgets&id=acme/widgets", "kind=user&id=ann"] {
        let told = one(rest);
        assert_eq!(told["standing"], "as_it_should", "{rest}: {told}");
    }
    let told = one(&format!("{label}&side=destination"));
    assert_eq!((&told["id"], &told["target_id"]), (&json!("bug"), &json!("bug")));
    assert_eq!(one("project=acme/widgets&kind=label&id=none")["standing"], "nowhere");

    let changed = Connection::open(bench.path("second/store.sqlite")).unwrap();
    let sql = r#"UPDATE records SET body = CAST(replace(CAST(body AS TEXT), '"color":"', '"color":"0') AS BLOB) WHERE kind = 'label'"#;
    assert!(changed.execute(sql, ()).unwrap() > 0);
    drop(changed);
    let told = one(label);
    assert_eq!(told["standing"], "differs", "{told}");
    assert_eq!(field(&told, "color")["state"], "differs");
    assert_eq!(field(&told, "name")["state"], "same");

    for wrong in
        ["kind=label", "kind=nothing&id=1", "kind=repository&id=1", "kind=label&id=1&side=x"]
    {
        let answer = root.ask("GET", &format!("{job}/comparison?{wrong}"), &Value::Null);
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
}
