#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn percent_signs_are_undone_and_traced_back() {
    let decoded = percent(b"a%40b%2").unwrap();
    assert_eq!(decoded.bytes, b"a@b%2");
    assert_eq!(decoded.source(1..2), 1..4);
    assert_eq!(decoded.source(0..5), 0..7);
    assert_eq!(percent("%u00e9%uD83D%uDE00%u12%u".as_bytes()).unwrap().bytes, "é😀%u12%u".as_bytes());
    assert!(percent(b"50 % of it").is_none());
}

#[test]
fn references_are_undone_and_traced_back() {
    let decoded = references(b"a&#64;b&#x2E;c&commat;&x;&#xd800;&").unwrap();
    assert_eq!(decoded.bytes, b"a@b.c@&x;&#xd800;&");
    assert_eq!(decoded.source(1..2), 1..6);
    let unseen = references(b"a&zwnj;b&lrm;c&ndash;d&mdash;&ZeroWidthSpace;e").unwrap();
    assert_eq!(unseen.bytes, "a\u{200c}b\u{200e}c–d&mdash;\u{200b}e".as_bytes());
    assert!(references(b"AT&T; R&B &# &#x &#99999999999;").is_none());
    assert_eq!(references(b"a&#64b&#x2E.&#00000000000000064;").unwrap().bytes, b"a@b..@");
}

#[test]
fn breaks_in_words_are_left_out_and_traced_back() {
    let decoded = word_breaks(b"a<wbr>b<WBR/>c</Wbr>d<br>").unwrap();
    assert_eq!(decoded.bytes, b"abcd<br>");
    assert_eq!(decoded.source(1..2), 6..13);
    assert!(word_breaks(b"a<b<wbr<wb").is_none());
}

#[test]
fn other_forms_of_ascii_are_folded_and_traced_back() {
    let decoded = folded("a＠𝐛\u{ad}．é\u{2011}’c\u{feff}".as_bytes()).unwrap();
    assert_eq!(decoded.bytes, "a@b.é-’c".as_bytes());
    assert_eq!(decoded.source(1..3), 1..10);
    assert_eq!(decoded.source(7..11), 18..25);
    assert_eq!(foldable("“é”, 東京 \u{a0} ＠".as_bytes()), Some(20));
    for before in [62, 63, 64, 200] {
        assert_eq!(foldable(format!("{}é＠", "a".repeat(before)).as_bytes()), Some(before + 2));
    }
    for plain in ["", "a@b", "l’été “sic” — 東京：№\u{a0}", "\u{fffd}"] {
        let has_any = folded(plain.as_bytes()).is_some();
        assert_eq!(has_any, foldable(plain.as_bytes()).is_some(), "{plain}");
    }
    assert!(folded("l’été “sic” — 東京, عربي, ქართ".as_bytes()).is_none() && folded(b"\xe2\x80").is_none());
    let unseen = "\u{61c}a\u{34f}b\u{180e}\u{e0041}c\u{e01ef}";
    assert_eq!(foldable(unseen.as_bytes()), Some(0));
    assert_eq!(folded(unseen.as_bytes()).unwrap().bytes, b"abc");
    for unseen in ["\0", "\u{2}", "\u{7f}", "\u{91}"] {
        assert_eq!(folded(format!("a{unseen}b").as_bytes()).unwrap().bytes, b"ab");
    }
    assert!(folded(b"a\tb\x0bc\r\n").is_none());
    assert_eq!(folded("3f\u{2013}7b\u{2012}4c\u{2212}9d".as_bytes()).unwrap().bytes, b"3f-7b-4c-9d");
}

#[test]
fn lines_that_were_cut_to_one_width_are_joined_and_traced_back() {
    let line = "aB3+".repeat(15);
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("{line}{end}{line}{end} {line}{end}x");
        let decoded = unwrapped(text.as_bytes()).unwrap();
        assert_eq!(decoded.bytes, format!("{line}{line}{end} {line}x").as_bytes());
        assert_eq!(decoded.source(0..61), 0..61 + end.len());
    }
    for apart in [format!("{}\n{line}", &line[1..]), format!("{line}.\n{line}"), format!("{line}\n")] {
        assert!(unwrapped(apart.as_bytes()).is_none(), "{apart}");
    }
}

#[test]
fn lines_that_mail_and_paragraphs_were_cut_into_are_joined_and_traced_back() {
    for (text, joined, source) in [
        ("an=\nn a\nb", "ann a\nb", 0..5),
        ("an=\r\nn a=b=", "ann a=b=", 0..6),
        ("3f1c9a52-\n7b64-\r\n4c0e", "3f1c9a52-7b64-4c0e", 0..3),
    ] {
        let decoded = unwrapped(text.as_bytes()).unwrap();
        assert_eq!((decoded.bytes.as_slice(), decoded.source(0..3)), (joined.as_bytes(), source), "{text}");
    }
    for apart in ["a=b\nc", "well-\nknown", "- 1998 -\n2003", "1998\n-2003", "\n=", "="] {
        assert!(unwrapped(apart.as_bytes()).is_none(), "{apart}");
    }
}

#[test]
fn escapes_are_undone_and_traced_back() {
    let decoded = escapes(br"a\u0040b\/\ud83d\ude00\x\ud800").unwrap();
    assert_eq!(decoded.bytes, "a@b/😀\\x\u{fffd}".as_bytes());
    assert_eq!(decoded.source(0..3), 0..8);
    assert_eq!(escapes(br"\x40\u{1f600}\xg\u{}\u{40").unwrap().bytes, r"@😀\xg\u{}\u{40".as_bytes());
    assert!(escapes(b"plain").is_none());
}

#[test]
fn backslashes_before_signs_are_undone_and_traced_back() {
    let decoded = markdown(br"a\@b\.c\d\\").unwrap();
    assert_eq!(decoded.bytes, br"a@b.c\d\");
    assert_eq!(decoded.source(0..3), 0..4);
    assert!(markdown(br"C:\photos\").is_none());
}

#[test]
fn hexadecimal_and_base64_are_undone() {
    let undone = |decode: fn(&[u8], &mut Vec<u8>), text: &str| {
        let mut bytes = Vec::new();
        decode(text.as_bytes(), &mut bytes);
        bytes
    };
    assert_eq!(undone(hexadecimal, "616Bf"), b"ak");
    assert_eq!(undone(base64, "YW5uQGV4"), b"ann@ex");
    assert_eq!(undone(base64, "YW5uQA"), b"ann@");
    assert_eq!(undone(base64, "-_-_"), undone(base64, "+/+/"));
    assert_eq!(undone(base64, "Y"), b"");
}

/// What stands between all quotes that are not escaped.
fn strings(text: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.iter().enumerate() {
        if *byte == b'"' && !is_escaped {
            found.push(std::mem::replace(&mut start, at + 1)..at);
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    found.push(start..text.len());
    found
}

proptest::proptest! {
    #[test]
    fn every_string_with_an_escape_is_found(text in r#"[\\"\\"a]{0,24}"#) {
        let text = text.as_bytes();
        let mut all = strings(text);
        all.retain(|string| text[string.clone()].contains(&b'\\'));
        proptest::prop_assert_eq!(escaped_strings(text).collect::<Vec<_>>(), all);
    }
    #[test]
    fn no_offset_is_passed_over_at_which_six_letters_of_ascii_are_spelt(
        text in "[A-Za-z0-9+/_-]{0,24}|[ABQRZabcgt0-9+-]{6,20}",
        before in "[A-Za-z0-9+/]{0,5}",
        hidden in "[ -~]{6,14}",
    ) {
        for text in [text, before + &data_encoding::BASE64_NOPAD.encode(hidden.as_bytes())] {
            let told: Vec<_> = offsets_of_base64(text.as_bytes(), true).collect();
            for offset in (0..text.len().min(4)).filter(|offset| !told.contains(offset)) {
                let mut bytes = Vec::new();
                base64(&text.as_bytes()[offset..], &mut bytes);
                let is_spelt = bytes.windows(6).any(<[u8]>::is_ascii);
                proptest::prop_assert!(!is_spelt, "{} at {}", text, offset);
            }
        }
    }
}
