use super::*;

fn class(value: &str) -> Option<Class> {
    identify(value).map(|(class, _)| class)
}

#[test]
fn a_value_counts_by_its_whole_shape() {
    assert_eq!(class("3f1c9a52-7b64-4c0e-9d2a-5e8f00112233"), Some(Class::UserId));
    assert_eq!(class("user_2abcDEF0123456789abcdefXYZ"), Some(Class::UserId));
    assert_eq!(class("Ann.O'Neil+x@mail.example.org"), Some(Class::Email));
    assert_eq!(class("ann@example.XN--P1AI"), Some(Class::Email));
    assert_eq!(class("203.0.113.9"), Some(Class::IpAddress));
    assert_eq!(class("2001:db8::1"), Some(Class::IpAddress));
    assert_eq!(class(&"0aF9".repeat(16)), Some(Class::Token));
    for word in [
        "unknown",
        "system",
        "deleted-user",
        "bronze",
        "127.0.0.1",
        "10.1.2.3",
        "fe80::1",
        "::",
        "",
        "a@b",
        "user_short",
        "3f1c9a52_7b64-4c0e_9d2a",
        "2026-01-02T03:04:05Z",
        "the-long-words-of-a-title-without-numbers",
        "Mozilla/5.0 (X11; Linux x86_64)",
        "x 203.0.113.9",
    ] {
        assert_eq!(class(word), None, "{word}");
    }
}

#[test]
fn spellings_of_one_identifier_have_one_key() {
    for (one, other) in [
        ("3f1c9a52-7b64-4c0e-9d2a-5e8f00112233", "3F1C9A52-7B64-4C0E-9D2A-5E8F00112233"),
        ("3f1c9a52-7b64-4c0e-9d2a-5e8f00112233", "3f1c9a52_7b64_4c0e_9d2a_5e8f00112233"),
        ("user_2abcDEF0123456789abcdefXYZ", "USER_2ABCDEF0123456789ABCDEFXYZ"),
        ("ann@example.org", "ANN@Example.ORG"),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
    ] {
        assert!(identify(one).is_some());
        assert_eq!(identify(one), identify(other), "{one}");
    }
    let dashed = uuid(b"3f1c9a52-7b64-4c0e-9d2a-5e8f00112233");
    assert_eq!(dashed, bare_uuid(b"3f1c9a527b644c0e9d2a5e8f00112233"));
}
