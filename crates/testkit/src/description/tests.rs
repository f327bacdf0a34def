use super::*;
use serde_json::json;

fn open_api() -> Description {
    let issue = json!({ "type": "object", "required": ["number", "user"], "properties": {
        "number": { "type": "integer" },
        "user": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/user" }] },
        "body": { "type": "string", "nullable": true },
    }});
    let document = json!({
        "openapi": "3.0.3",
        "servers": [{ "url": "https://h.example/v9" }],
        "components": { "schemas": {
            "issue": issue,
            "user": { "type": "object", "required": ["login"], "properties": { "login": { "type": "string" } } },
        }},
        "paths": {
            "/issues/{number}": {
                "parameters": [{ "name": "number", "in": "path", "schema": { "type": "integer" } }],
                "get": { "responses": { "200": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/issue" } } } } } },
            },
            "/issues/pinned": { "get": { "responses": { "204": {} } } },
            "/issues": {
                "get": {
                    "parameters": [{ "name": "state", "in": "query", "schema": { "type": "string", "enum": ["open", "all"] } },
                        { "name": "page", "in": "query", "schema": { "type": "integer" } }],
                    "responses": { "200": {} } },
                "post": { "requestBody": { "required": true, "content": { "application/json": {
                    "schema": { "type": "object", "required": ["title"], "properties": { "title": {
                        "oneOf": [{ "type": "string" }, { "type": "integer" }] } } } } } },
                    "responses": { "201": {} } },
            },
        },
    });
    Description::new(document).unwrap()
}

#[track_caller]
fn check(misfits: &[Misfit], expected: &[&str]) {
    let found: Vec<String> = misfits.iter().map(ToString::to_string).collect();

    assert_eq!(found, expected);
}

#[track_caller]
fn check_request(method: &str, target: &str, body: &str, expected: &[&str]) {
    check(&open_api().request(method, target, None, body.as_bytes()), expected);
}

#[track_caller]
fn check_answer(status: u16, body: &str, expected: &[&str]) {
    let json = Some("application/json; charset=utf-8");
    check(&open_api().answer("GET", "/v9/issues/7", status, json, body.as_bytes()), expected);
}

#[test]
fn what_fits_has_no_misfit() {
    check_request("GET", "/v9/issues?state=open&page=2", "", &[]);
    check_request("POST", "/v9/issues", r#"{"title": "x"}"#, &[]);
    check_answer(200, r#"{"number": 7, "user": {"login": "alice"}, "body": "x"}"#, &[]);
}

#[test]
fn what_is_nullable_may_be_null_and_no_more() {
    check_answer(200, r#"{"number": 7, "user": null, "body": null}"#, &[]);
    check_answer(
        200,
        r#"{"number": null, "user": null}"#,
        &[r#"GET /issues/{number} answer 200 /number: null is not of type "integer""#],
    );
}

#[test]
fn a_fault_behind_a_reference_is_found() {
    check_answer(
        200,
        r#"{"number": 7, "user": {"login": 5}}"#,
        &[r#"GET /issues/{number} answer 200 /user/login: 5 is not of type "string""#],
    );
}

#[test]
fn unknown_paths_methods_and_parameters_are_named() {
    check_request("GET", "/v9/labels", "", &["GET /v9/labels: no such path"]);
    check_request("GET", "/v9/issues/7/lock", "", &["GET /v9/issues/7/lock: no such path"]);
    check_request("PUT", "/v9/issues", "", &["PUT /v9/issues: the path has no such method"]);
    check_request("GET", "/issues", "", &["GET /issues: the path does not begin with /v9"]);
    check_request(
        "GET",
        "/v9/issues?sate=open",
        "",
        &["GET /issues query sate: no such parameter"],
    );
}

#[test]
fn values_of_parameters_have_their_types() {
    check_request(
        "GET",
        "/v9/issues?state=shut&page=two",
        "",
        &[
            r#"GET /issues query state: "shut" is not one of "open" or "all""#,
            r#"GET /issues query page: "two" is not of type "integer""#,
        ],
    );
    assert_eq!(open_api().request("GET", "/v9/issues/seven", None, b"").len(), 1);
}

#[test]
fn a_literal_path_wins_over_a_name() {
    assert!(open_api().answer("GET", "/v9/issues/pinned", 204, None, b"").is_empty());
}

#[test]
fn bodies_are_required_and_typed() {
    check_request("POST", "/v9/issues", "", &["POST /issues body: it is required"]);
    check_request(
        "POST",
        "/v9/issues",
        r#"{"body": "x"}"#,
        &[r#"POST /issues body: "title" is a required property"#],
    );
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(open_api().request("POST", "/v9/issues", form, b"title=x").len(), 1);
}

#[test]
fn a_status_that_is_not_listed_is_a_misfit_unless_it_can_happen_anywhere() {
    check_answer(404, "", &[]);
    check_answer(502, "<html>", &[]);
    check_answer(
        201,
        "{}",
        &["GET /issues/{number} answer 201: the operation does not answer with this status"],
    );
}

#[test]
fn in_swagger_what_is_not_required_may_be_null() {
    let document = json!({
        "swagger": "2.0", "basePath": "/api/v1",
        "definitions": { "Issue": { "type": "object", "required": ["id"], "properties": {
            "id": { "type": "integer" }, "milestone": { "$ref": "#/definitions/Issue" } } } },
        "responses": { "Issue": { "schema": { "$ref": "#/definitions/Issue" } } },
        "paths": { "/issues/{index}.{kind}": { "get": {
            "parameters": [{ "name": "index", "in": "path", "type": "integer", "required": true }],
            "responses": { "200": { "$ref": "#/responses/Issue" } } } } },
    });
    let description = Description::new(document).unwrap();
    let answer = |body: &str| {
        description.answer("GET", "/api/v1/issues/3.diff", 200, None, body.as_bytes()).len()
    };

    assert_eq!(answer(r#"{"id": 1, "milestone": null}"#), 0);
    assert_eq!(answer(r#"{"id": 1, "milestone": {"id": 2}}"#), 0);
    assert_eq!(answer(r#"{"id": 1, "milestone": {}}"#), 1);
    assert_eq!(answer(r#"{"id": null}"#), 1);
    assert!(description.request("GET", "/api/v1/issues/3.diff", None, b"").is_empty());
}

#[test]
fn every_published_description_is_read() {
    for file in [
        "github-api.trim.json",
        "gitea-1.23dev-2024-12.trim.json",
        "gitlab-openapi_v2.2026-07.trim.json",
        "bitbucket-cloud.trim.json",
        "bitbucket-dc-9.2.trim.json",
    ] {
        let Some(description) = Description::published(file) else { return };
        assert!(description.templates.len() > 100, "{file}");
    }
}
