#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::platform::fields::blacklist::{PUBLIC, Rule};
use crate::platform::tag_values;

fn cleaned(filter: &Filter, json: &str) -> String {
    let mut value: Value = serde_json::from_str(json).unwrap();
    filter.clean_value(&mut value);
    value.to_string()
}

#[test]
fn members_are_taken_out_at_every_depth() {
    let json = r#"{"material":"bronze","email":"x","a":[{"user_token":"x","b":{"_c":"x","d":1}}],"addr:full":"1 Mill Lane"}"#;
    assert_eq!(
        cleaned(&Filter::default(), json),
        r#"{"material":"bronze","a":[{"b":{"d":1}}],"addr:full":"1 Mill Lane"}"#
    );
}

#[test]
fn what_names_spell_one_within_the_other_is_taken_out() {
    let json = r#"{"created":{"by":"x","at":1},"a":{"birth":[{"date":"x"}]},"date":{"of":"{\"birth\":\"x\"}"},"painted":{"by":"y"}}"#;
    assert_eq!(
        cleaned(&Filter::default(), json),
        r#"{"created":{"at":1},"a":{"birth":[{}]},"date":{"of":"{}"},"painted":{"by":"y"}}"#
    );
    assert_eq!(
        cleaned(
            &Filter::default(),
            r#"{"created":[["by","x"],["at","y"]],"birth":{"key":"date","value":"x"}}"#
        ),
        r#"{"created":[["at","y"]],"birth":{}}"#
    );
    let filter = Filter::new(["donor.name", "a.b.c"]);
    let json = r#"{"donor":{"name":"x","year":1},"name":"y","a":{"b":{"c":"x","d":1},"c":2},"b":{"c":3}}"#;
    assert_eq!(
        cleaned(&filter, json),
        r#"{"donor":{"year":1},"name":"y","a":{"b":{"d":1},"c":2},"b":{"c":3}}"#,
        "labels are those of tags.json"
    );
    let long = "a".repeat(300);
    assert_eq!(cleaned(&filter, &format!(r#"{{"{long}":{{"b":1}}}}"#)), format!(r#"{{"{long}":{{"b":1}}}}"#));
}

#[test]
fn public_names_leave_within_others_and_in_the_wrapper_of_tags() {
    let names = PUBLIC.iter().map(|rule| rule.pattern).chain(["hash", "tokens", "phone_box_2"]);
    for name in names {
        let json = format!(r#"{{"tags":{{"{name}":"y"}},"version":"1.0.0"}}"#);
        assert_eq!(cleaned(&Filter::default(), &json), json);
    }
    for Rule { pattern: name, .. } in PUBLIC {
        let json = format!(r#"{{"x":{{"{name}":"y"}}}}"#);
        assert_eq!(cleaned(&Filter::default(), &json), json);
        assert_eq!(cleaned(&Filter::new([format!("x.{name}").as_str()]), &json), r#"{"x":{}}"#);
    }
    assert_eq!(
        cleaned(&Filter::default(), r#"{"tags":{"created":{"by":"x"}},"user":{"photo_hash":"x"}}"#),
        r#"{"tags":{"created":{}}}"#
    );
}

#[test]
fn keys_of_photos_are_taken_out() {
    let json = r#"{"image":"originals/2025/09/04/jane.jpg","a":["https://photos.publicartregistry.com/originals/2025/09/04/jane.jpg","https://city.example/originals/2025/09/04/a.jpg"],"b":"{\"c\":\"photos/2025/09/04/jane.jpg\"}","d":"\"originals/2025/09/04/jane.jpg\"","e":{"originals/2025/09/04/jane.jpg":"north side"}}"#;
    assert_eq!(
        cleaned(&Filter::default(), json),
        r#"{"a":["https://city.example/originals/2025/09/04/a.jpg"],"b":"{}","e":{}}"#
    );
}

#[test]
fn members_are_taken_out_of_json_that_stands_as_text_or_in_pairs() {
    let clean = |json: &str| cleaned(&Filter::default(), json);
    assert_eq!(
        clean(r#"{"a":"{\"phone\":\"x\",\"b\":[{\"user_token\":1}]}","c":"{\"d\":1 }","e":"{no json"}"#),
        r#"{"a":"{\"b\":[{}]}","c":"{\"d\":1 }","e":"{no json"}"#
    );
    assert_eq!(
        clean(r#"[{"key":"phone","value":"x"},{"Name":"user token","v":1},{"key":"height","value":2}]"#),
        r#"[{},{},{"key":"height","value":2}]"#
    );
    let nested =
        (0..12).fold(r#"{"phone":"x"}"#.to_owned(), |inner, _| serde_json::json!({ "a": inner }).to_string());
    assert!(!clean(&nested).contains("phone"));
}

#[test]
fn pairs_of_every_kind_and_json_that_does_not_parse_hide_no_name() {
    let clean = |json: &str| cleaned(&Filter::default(), json);
    assert_eq!(
        clean(r#"{"a":[["phone","604"],["height","2"]],"b":[["phone","booth","red"]],"c":["phone","x"]}"#),
        r#"{"a":[["height","2"]],"b":[["phone","booth","red"]],"c":["phone","x"]}"#
    );
    assert_eq!(
        clean(
            r#"[{"trait":"phone","value":"x"},{"field":"email","value":"Jane"},{"property":"phone","val":"x"}]"#
        ),
        "[{},{},{}]"
    );
    assert_eq!(
        clean(
            r#"{"a":"{\"phone\":\"604\", broken","b":["{\"phone\":\"604\"} more","{phone: 604}","x"],"c":1}"#
        ),
        r#"{"b":["x"],"c":1}"#
    );
    // What is taken out makes a pair of the rest.
    assert_eq!(
        clean(r#"{"a":[["phone","{phone: 604","604"]],"b":[["phone","604"],"{phone: 1"]}"#),
        r#"{"a":[],"b":[]}"#
    );
    let remarks = r#"{"a":"[Untitled]","b":"[Address: unknown] \"sic\"","c":"{no json","d":"{heart} phone"}"#;
    assert_eq!(clean(remarks), remarks);
}

#[test]
fn a_member_that_stands_twice_in_a_text_hides_no_name() {
    let clean = |text: &str| {
        let mut value = Value::from(text);
        Filter::default().clean_value(&mut value);
        value.as_str().map(str::to_owned)
    };
    let twice = r#"{"a":{"phone":"604"},"b":"{\"c\":{\"phone\":\"604\"},\"c\":1}","a":1}"#;
    let once = r#"{"a":1,"b":"{\"c\":1}"}"#;
    assert_eq!(clean(twice).as_deref(), Some(once));
    assert_eq!(clean(&Value::from(twice).to_string()).as_deref(), Some(once));
    assert_eq!(clean(r#"{"a":"{\"phone\":604}","a":1}"#).as_deref(), Some(r#"{"a":1}"#));
    let sound = r#"{ "a": {"b": [ {"c": "d\": 1"} ]} }"#;
    assert_eq!(clean(sound).as_deref(), Some(sound), "nothing was taken out");
}

#[test]
fn json_of_a_text_of_json_that_was_cut_off_hides_no_name() {
    let mut cut = r#"{"a":"b","phone":"604-555"#.to_owned();
    for _ in 0..3 {
        cut = Value::from(cut).to_string();
        cut.pop();
        assert_eq!(cleaned(&Filter::default(), &serde_json::json!({ "x": cut }).to_string()), "{}");
    }
    let words = r#"{"x":"\"Heron\" stands here","y":"\"[Tel: see sign]\" it says"}"#;
    assert_eq!(cleaned(&Filter::default(), words), words);
}

#[test]
fn quotes_without_end_take_no_stack_and_hide_no_name() {
    let clean = |text: String| {
        let mut value = Value::from(text);
        Filter::default().clean_value(&mut value);
        !value.is_null()
    };
    for quotes in ["\"", "\" ", "\"\\", "\"\u{feff}"] {
        let quotes = quotes.repeat(100_000);
        assert!(!clean(format!("{quotes}{{\"phone\":\"604")));
        assert!(clean(quotes));
    }
}

#[test]
fn a_remark_in_brackets_makes_no_names_of_the_words_behind_it() {
    let clean = |text: &str| {
        let mut value = Value::from(text);
        Filter::default().clean_value(&mut value);
        value.as_str().map(str::to_owned)
    };
    let in_tags = |text: &str| cleaned(&Filter::default(), &serde_json::json!({ "a": text }).to_string());
    for words in [
        r#"[Signed] "Contact": bronze, 1998"#,
        r#"[From the artist] Two panels, "Users": and "Guests"."#,
        "{heart} of the city. Address: see map",
        r#"[Address: unknown] "Phone Home": steel"#,
        r#"[[File:Heron.jpg]] "Editor": a portrait"#,
    ] {
        assert_eq!(in_tags(words), serde_json::json!({ "a": words }).to_string(), "{words}");
        assert_eq!(clean(words).as_deref(), Some(words));
    }
    for broken in [
        r#"{"a":{"b":1}},"phone":"604"}"#,
        r#"[{"a":1}] , "phone": "604""#,
        r#"["a",{"phone":"604"#,
        r#"[sic] {"phone":"604"#,
        "[{phone: 604",
        "{a: 1} phone: 604",
    ] {
        assert_eq!(in_tags(broken), "{}", "{broken}");
    }
}

#[test]
fn the_kind_of_a_value_is_its_name_too() {
    let clean = |json: &str| cleaned(&Filter::default(), json);
    assert_eq!(
        clean(
            r#"[{"type":"phone","value":"604"},{"Kind":"e-mail","lang":"en","v":"x"},{"title":"Phone","value":"604"}]"#
        ),
        r#"[{"type":"phone"},{"Kind":"e-mail","lang":"en"},{"title":"Phone"}]"#
    );
    assert_eq!(
        clean(
            r#"[{"type":"phone","number":"604"},{"kind":"fax","No.":604},{"type":"skype","handle":"x","lang":"en"}]"#
        ),
        r#"[{"type":"phone"},{"kind":"fax"},{"type":"skype","lang":"en"}]"#
    );
    assert_eq!(clean(r#"[{"question":"Phone","answer":"604"}]"#), "[{}]");
    let art = r#"{"type":"mural","value":12000,"title":"Phone Home","text":"A call","sizes":[{"type":"height","value":2}]}"#;
    assert_eq!(clean(art), art.replace(r#""value":12000,"#, ""));
    for art in [
        r#"{"type":"mural","value":12000,"title":"Heron","question":"Why?","kind":"wall"}"#,
        r#"{"type":"cast","number":3,"title":"Phone Home"}"#,
    ] {
        assert_eq!(clean(art), art);
    }
}

#[test]
fn what_only_may_be_a_pair_costs_no_other_member() {
    let clean = |json: &str| cleaned(&Filter::default(), json);
    for name in ["Cookie Monster", "Phone Home", "Secrets of the Sea", "Editor"] {
        let work = format!(r#"{{"name":"{name}","value":"12000","material":"bronze","year":1998}}"#);
        assert_eq!(clean(&work), work.replace(r#""value":"12000","#, ""));
    }
    assert_eq!(
        clean(r#"[{"name":"phone","value":"604","type":"text"},{"name":"phone","Value":"604","a":1}]"#),
        r#"[{},{"name":"phone","a":1}]"#
    );
    let art = r#"{"name":"Heron","value":"12000","material":"bronze"}"#;
    assert_eq!(clean(art), art);
}

#[test]
fn labels_without_a_value_are_content() {
    let filter = Filter::new(["fee"]);
    let json = r#"{"secret garden":true,"telephone box":true,"mobile":true,"Phase 2: north":true,"fee":true,"_x":true,"user_token":true,"phone: 604":true,"address":"x"}"#;
    assert_eq!(
        cleaned(&filter, json),
        r#"{"secret garden":true,"telephone box":true,"mobile":true,"Phase 2: north":true}"#
    );
}

#[test]
fn the_operator_may_add_names_and_patterns() {
    let filter = Filter::new(["Fee", "art*ist", "donor name", "addr:*"]);
    let json =
        r#"{"fee":"no","artist":"x","Donor_Name":"x","a":{"FEE":1},"addr:full":"x","material":"bronze"}"#;
    assert_eq!(cleaned(&filter, json), r#"{"a":{},"material":"bronze"}"#);
    let filter = Filter::new(["Phase 2: north side", "donor : name", "meta:-x"]);
    let json = r#"{"Phase 2: north side":1,"donor:name":1,"donor : name":1,"meta:-x":1,"phase":2}"#;
    assert_eq!(cleaned(&filter, json), r#"{"phase":2}"#);
}

#[test]
fn the_names_of_the_operator_are_taken_in_any_case() {
    for name in ["sitename", "SiteName", "SITENAME", "siteN*", "*name"] {
        let json = r#"{"sitename":1,"SiteName":1,"siteName":1,"SITENAME":1,"a":{"Sitename":1},"site":1}"#;
        assert_eq!(cleaned(&Filter::new([name]), json), r#"{"a":{},"site":1}"#, "{name}");
    }
}

/// Tags out of few names, with JSON that stands as text, whole and broken.
fn tags() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("phone".to_owned()),
        Just("key".to_owned()),
        Just("value".to_owned()),
        Just("a".to_owned()),
        Just("phone: 604".to_owned()),
        Just("{phone: 604".to_owned()),
        Just("[\"phone\", ".to_owned()),
        Just("[\"phone\",1]".to_owned()),
    ];
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        Just(Value::Bool(true)),
        Just(Value::Null),
        Just(Value::from(1))
    ];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner.clone()), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_is_left_for_a_second_look(tags in tags()) {
        let filter = Filter::default();
        let mut once = tags.clone();
        filter.clean_value(&mut once);
        let mut twice = once.clone();
        filter.clean_value(&mut twice);
        prop_assert_eq!(&once, &twice, "{}", tags);
    }

    #[test]
    fn a_wrapper_without_stray_members_makes_no_difference(tags in tags(), version in tags()) {
        let filter = Filter::new(["a.key"]);
        let mut wrapped = serde_json::json!({ "tags": tags, "version": version });
        let Some(mut alone) = tags.as_object().filter(|_| tag_values::is_plain(&wrapped)).cloned() else {
            return Ok(());
        };
        filter.clean(&mut alone);
        filter.clean_value(&mut wrapped);
        let mut unwrapped = tag_values::of_json(wrapped).unwrap();
        filter.clean(&mut unwrapped);
        prop_assert_eq!(alone, unwrapped, "{}", tags);
    }
}
