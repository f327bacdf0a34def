//! The fake of GitHub where GraphQL is asked, and its rulesets.

use super::{Client, sample_records};
use http::Method;
use packhorse_testkit::{
    description::Description,
    fake::{Fake, Github, Options, misfits},
};
use serde_json::{Value, json};

async fn filled() -> Fake {
    let fake = Fake::start(Github, Options::default()).await.unwrap();
    fake.fill(sample_records(4));
    fake
}

async fn ask(client: &Client, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    let (status, _, answer) = client.post("/api/graphql", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn what_github_does_not_have_is_refused_as_a_whole() {
    let fake = filled().await;
    let client = Client::of(&fake);
    for (query, words) in [
        ("{ repository(owner: \"acme\", name: \"app\") { stars } }", "'stars' doesn't exist"),
        (
            "{ repository(owner: \"acme\", name: \"app\") { pinnedIssues { nodes { __typename } } } }",
            "`first` or `last`",
        ),
        ("{ repository(owner: \"acme\", path: \"app\") { id } }", "doesn't accept argument"),
        ("{ repository(owner: \"acme\", name: \"app\") }", "must have selections"),
        ("mutation { pinIssue(input: {id: \"I_1\"}) { clientMutationId } }", "'issueId'"),
        ("mutation { addStar(input: {}) { clientMutationId } }", "'addStar' doesn't exist"),
    ] {
        let answer = ask(&client, query, json!({})).await;

        assert!(answer.get("data").is_none(), "{answer}");
        let told = answer["errors"][0]["message"].as_str().unwrap();
        assert!(told.contains(words), "{query}: {told}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_beside_the_rest() {
    let fake = filled().await;

    let query = "{ a: repository(owner: \"acme\", name: \"app\") { nameWithOwner } \
        b: repository(owner: \"acme\", name: \"nothing\") { id } }";
    let answer = ask(&Client::of(&fake), query, json!({})).await;

    assert_eq!(answer["data"], json!({ "a": { "nameWithOwner": "acme/app" }, "b": null }));
    assert_eq!(answer["errors"][0]["type"], "NOT_FOUND");
    assert_eq!(answer["errors"][0]["path"], json!(["b"]));
}

#[tokio::test]
async fn a_stranger_is_told_to_log_in() {
    let fake = filled().await;
    let client = Client::of(&fake).with_token("");

    let (status, _, _) = client.post("/graphql", json!({ "query": "{ x }" })).await;

    assert_eq!(status, 401);
}

#[tokio::test]
async fn listings_have_pages() {
    let fake = filled().await;
    let client = Client::of(&fake);
    let query = "query($after: String) { repository(owner: \"acme\", name: \"app\") { \
        branchProtectionRules(first: 3, after: $after) { totalCount \
        pageInfo { hasNextPage endCursor } nodes { pattern } } } }";

    let first = ask(&client, query, json!({ "after": null })).await;
    let first = &first["data"]["repository"]["branchProtectionRules"];
    let after = &first["pageInfo"]["endCursor"];
    let second = ask(&client, query, json!({ "after": after })).await;
    let second = &second["data"]["repository"]["branchProtectionRules"];

    let count = |page: &Value| page["nodes"].as_array().unwrap().len();
    assert_eq!((count(first), count(second)), (3, 1));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn rulesets_have_names_of_their_own_for_branches_and_tags() {
    let fake = filled().await;
    let client = Client::of(&fake);
    let at = "/api/v3/repos/acme/app/rulesets";
    let ruleset = |name: &str, target: &str, pattern: &str| {
        json!({ "name": name, "target": target, "enforcement": "active",
            "rules": [{ "type": "deletion" }],
            "conditions": { "ref_name": { "include": [pattern], "exclude": [] } } })
    };

    let branch = ruleset("ours", "branch", "refs/heads/release/*");
    let (status, _, made) = client.post(at, branch.clone()).await;
    let (again, _, _) = client.post(at, branch).await;
    let (odd, _, _) = client.post(at, ruleset("odd", "tag", "refs/heads/main")).await;
    let (tag, _, _) = client.post(at, ruleset("tags", "tag", "refs/tags/v*")).await;

    assert_eq!((status, again, odd, tag), (201, 422, 422, 201));
    let one = format!("{at}/{}", made["id"]);
    let (_, _, shown) = client.get(&one).await;
    assert_eq!((&shown["name"], &shown["target"]), (&json!("ours"), &json!("branch")));
    assert_eq!(shown["rules"], json!([{ "type": "deletion" }]));
    let changed = ruleset("theirs", "branch", "~DEFAULT_BRANCH");
    let (put, _, shown) = client.ask(Method::PUT, &one, Some(changed)).await;
    assert_eq!((put, &shown["name"]), (200, &json!("theirs")));
    let (gone, _, _) = client.ask(Method::DELETE, &one, None).await;
    let (missing, _, _) = client.get(&one).await;
    assert_eq!((gone, missing), (204, 404));
    let Some(description) = Description::published("github-api.trim.json") else { return };
    let found = misfits(&description.at("/api/v3"), &fake.take_log(), &[]);
    assert_eq!(found, Vec::<String>::new());
}
