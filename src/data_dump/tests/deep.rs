//! JSON as deep as it is followed.

use super::*;

/// JSON in a text of JSON in a text of JSON and so on, as often as texts are looked into, each that deep.
fn nested([open, close]: [&str; 2], depth: usize, innermost: &str) -> String {
    let within = |inner: &str| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
    (0..8).fold(within(innermost), |text, _| within(&serde_json::Value::from(text).to_string()))
}

#[tokio::test]
async fn json_as_deep_as_it_is_followed_ends_no_thread() {
    for brackets in [["[", "]"], [r#"{"a":"#, "}"]] {
        let note = nested(brackets, 126, &format!(r#"{{"user_id":"{UUID}"}}"#));
        // The false member makes the quick look for licences a slow one.
        let tags = format!(r#"{{"osm":false,"a":{}}}"#, nested(brackets, 63, "1"));
        let found = texts_of(
            &format!(
                "CREATE TABLE submissions (notes TEXT); INSERT INTO submissions VALUES ('{note}');
                 CREATE TABLE artwork (id TEXT, description TEXT, tags TEXT, status TEXT);
                 INSERT INTO artwork VALUES ('w1', 'Found by {UUID}.', '{tags}', 'approved')"
            ),
            DataDumpOptions::default(),
        )
        .await;
        assert!(found.contains(r#""description":"Found by [redacted].""#), "{found}");
    }
}
