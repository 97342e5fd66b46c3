use proptest::prelude::*;

use super::*;

fn own(value: &str) -> Vec<String> {
    match classify(value) {
        Reference::Own(keys) => keys,
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn plain_keys_are_taken_as_they_stand() {
    assert_eq!(own("originals/2025/a.jpg"), ["originals/2025/a.jpg"]);
    assert_eq!(own(" originals/a b.jpg "), [" originals/a b.jpg ", "originals/a b.jpg"]);
    assert_eq!(
        own("originals/a.jpg%20 "),
        ["originals/a.jpg%20 ", "originals/a.jpg  ", "originals/a.jpg%20", "originals/a.jpg "]
    );
    assert_eq!(own("photos/2025/a.jpg"), ["photos/2025/a.jpg", "2025/a.jpg"]);
    assert_eq!(own("a%20b.jpg"), ["a%20b.jpg", "a b.jpg"]);
    assert_eq!(own("a/100%.jpg"), ["a/100%.jpg"]);
    assert_eq!(own("a?b#c.jpg"), ["a?b#c.jpg"], "a key may hold what ends a URL's path");
    assert_eq!(own("12:30.jpg"), ["12:30.jpg"]);
    assert_eq!(own("\u{feff}a.jpg"), ["\u{feff}a.jpg", "a.jpg"]);
    assert_eq!(own("\u{feff}https://localhost/a.jpg"), ["a.jpg"]);
    assert_eq!(own("a/http://x.jpg"), ["a/http://x.jpg"]);
}

#[test]
fn a_text_that_only_says_where_a_photo_lies_is_known() {
    for place in [
        "originals/2025/09/04/20250904-143022-0a1b2c3d-jane.jpg",
        " https://photos.publicartregistry.com/artworks/2025/09/04/a__400x400.jpg ",
        "/photos/originals/2025/09/04/a.jpg",
        "https://localhost/photos/2025%2F09%2F04%2Fa.jpg",
        "https://photos.publicartregistry.com/photos/originals%2F2025%2F09%2F04%2Fjane.jpg",
        "originals%2f2025%2f09%2f04%2fa.jpg",
        "2025/09/04/jane.jpg",
        "https://art-photos.abluestar.com/2025/09/04/jane.jpg",
    ] {
        assert!(is_place_of_photo(place) && is_place_alone(place), "{place}");
    }
    for (text, is_alone) in [
        ("originals/2025/09/04/jane doe.jpg", true),
        ("\"originals/2025/09/04/jane doe.jpg?w=400\"", true),
        ("originals/2025/09/04/jane.jpg shows the bronze", false),
    ] {
        assert_eq!((is_place_of_photo(text), is_place_alone(text)), (true, is_alone), "{text}");
    }
    for other in [
        "https://city.example/originals/2025/09/04/a.jpg",
        "see originals/2025/09/04/a.jpg",
        "originals/2025/a.jpg",
        "09/04/2025",
        "2025/09/04",
        "2025/09/04/12 at noon",
        "2025/09/04/12. and later",
    ] {
        assert!(!is_place_of_photo(other), "{other}");
    }
}

#[test]
fn paths_lose_their_slashes_and_query() {
    assert_eq!(own("/photos/originals/a.jpg"), ["photos/originals/a.jpg", "originals/a.jpg"]);
    assert_eq!(own("/originals/a.jpg?v=1"), ["originals/a.jpg?v=1", "originals/a.jpg"]);
}

#[test]
fn our_own_hosts_are_known_whatever_the_port() {
    for host in [
        "https://art-photos.abluestar.com",
        "HTTPS://Photos.PublicArtRegistry.com:443",
        "http://localhost:8787",
        "http://127.0.0.1:1",
        "https://user@localhost",
        "//photos.publicartregistry.com",
        "https://pub-0123.r2.dev",
        "https://bucket.0123456789abcdef.r2.cloudflarestorage.com",
        "https://photos.publicartregistry.com.",
    ] {
        assert_eq!(own(&format!("{host}/originals/a.jpg?x=1#y"))[0], "originals/a.jpg", "{host}");
    }
    assert_eq!(own("http://localhost:8787/photos/a/b.jpg"), ["photos/a/b.jpg", "a/b.jpg"]);
}

#[test]
fn the_bucket_may_begin_the_path() {
    assert_eq!(own("https://0123.r2.cloudflarestorage.com/bucket/a/b.jpg"), ["a/b.jpg"]);
    assert_eq!(own("https://0123.eu.r2.cloudflarestorage.com/bucket/a.jpg"), ["bucket/a.jpg", "a.jpg"]);
    assert_eq!(classify("https://0123.r2.cloudflarestorage.com/bucket"), Reference::Unusable);
}

#[test]
fn the_path_of_a_url_is_tried_raw_before_it_is_decoded() {
    let url = "https://photos.publicartregistry.com/originals/caf%C3%A9%20é.jpg";
    assert_eq!(own(url), ["originals/caf%C3%A9%20é.jpg", "originals/café é.jpg"]);
    assert_eq!(own("http://localhost/photos/%ff.jpg"), ["photos/%ff.jpg", "%ff.jpg"]);
}

#[test]
fn other_hosts_are_foreign() {
    let foreign = |value| match classify(value) {
        Reference::Foreign(host) => host,
        other => format!("{other:?}"),
    };
    assert_eq!(foreign("https://opendata.vancouver.ca/a.jpg"), "opendata.vancouver.ca");
    assert_eq!(foreign("https://imagedelivery.net/acc/hash/w=800"), "imagedelivery.net");
    assert_eq!(
        foreign("http://photos.publicartregistry.com.evil.example/a.jpg"),
        "photos.publicartregistry.com.evil.example"
    );
    assert_eq!(foreign("http://evilr2.dev/a.jpg"), "evilr2.dev");
    assert_eq!(foreign("http://xr2.cloudflarestorage.com/a/b.jpg"), "xr2.cloudflarestorage.com");
    assert_eq!(foreign("http://localhost@evil.example/a.jpg"), "evil.example");
    assert_eq!(foreign("http://10.0.0.1/a.jpg"), "10.0.0.1");
}

#[test]
fn what_no_store_could_hold_is_unusable() {
    let long = "k".repeat(MAX_KEY + 1);
    for value in [
        "",
        " ",
        "/",
        "data:image/png;base64,AAAA",
        "BLOB:http://x/y",
        "ftp://x/y",
        "https://",
        "http://[/x",
        "https://localhost",
        "https://localhost/",
        "photos/\0",
        long.as_str(),
    ] {
        assert_eq!(classify(value), Reference::Unusable, "{value:?}");
    }
}

proptest! {
    #[test]
    fn a_key_is_found_behind_every_host(key in "[a-zé][a-zé0-9_.-]{0,10}(/[a-zé0-9_. -]{1,10}){0,3}[a-z]") {
        for value in [
            key.clone(),
            format!("/{key}"),
            format!("/photos/{key}"),
            format!("http://localhost:8787/photos/{key}?w=1"),
            format!("https://photos.publicartregistry.com/{key}"),
            format!("https://acc.r2.cloudflarestorage.com/bucket/{key}#x"),
        ] {
            prop_assert!(own(&value).contains(&key), "{}", value);
        }
    }

    #[test]
    fn any_value_is_taken(value in "(http://|https://|//|/|photos/|data:)?[ -~é\\\\\\x00]{0,30}") {
        if let Reference::Own(keys) = classify(&value) {
            prop_assert!(!keys.is_empty());
            prop_assert!(keys.iter().all(|k| !k.is_empty() && !k.starts_with('/') && k.len() <= MAX_KEY));
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_place_of_a_photo_is_seen_without_a_look_at_every_text(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "photos/", "originals", "/", "%2F", "%2f", "2025", "originals/2025/09/04/", "2025%2F09%2f04/a.jpg", "09", "04", "20", "a.jpg", "\"", " ", "https://", "%32",
            ]),
            0..9,
        ),
    ) {
        let text = pieces.concat();
        let inner = text.trim().trim_matches('"');
        let is_begin = |at| at == 0 || SLASHES.iter().any(|slash| inner[..at].ends_with(slash));
        let is_place = memmem::find_iter(inner.as_bytes(), "20").any(is_begin)
            && matches!(classify(inner), Reference::Own(keys) if keys.iter().any(|key| is_dated(key)));
        proptest::prop_assert_eq!(is_place_of_photo(&text), is_place, "{}", text);
    }
}
