use super::*;
use crate::privacy::find::addresses::ipv6_lengths;

#[test]
fn a_long_run_of_colons_does_not_hold_a_dump_up() {
    let values = values();
    for unit in [":", "a:", "::", "1.", "a:b:c:d:e:f:1:2::"] {
        let text = unit.repeat(30_000 / unit.len());
        // Took minutes while every start was tried with every end.
        assert!(Redactor::new(&values).holds(&text).is_none(), "{unit}");
    }
}

#[test]
fn every_spelling_of_an_ipv6_address_is_found_in_a_run() {
    for (address, texts) in [
        ("2001:db8::1", ["2001:db8::1", ":2001:db8::1:", "2001:DB8:0:0:0:0:0:1", "x:2001:db8::0.0.0.1"]),
        (
            "2001:db8:1:2:3:4:5:6",
            [
                "2001:db8:1:2:3:4:5:6", "::2001:db8:1:2:3:4:5:6", "1:2001:db8:1:2:3:4:5:6",
                "at 2001:0db8:1:2:3:4:5:6:",
            ],
        ),
        (
            "::ffff:203.0.113.9",
            ["::ffff:203.0.113.9", "203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:203.0.113.9"],
        ),
        ("2001:db8:1::", ["2001:db8:1::", "[2001:db8:1::]", "2001:db8:1:::", "2001:db8:1::0"]),
    ] {
        let mut values = Values::default();
        values.add("consent.ip_address", address);
        for text in texts {
            assert!(Redactor::new(&values).holds(text).is_some(), "{address} in {text}");
        }
    }
}

#[test]
fn a_run_of_colons_is_tried_in_few_places() {
    for piece in [":", "1::", "a:", "1:2:3:4:5:6:7:8:", "::ffff:1.2.3.4.", "::1:::", "abcde:", "abcde::"] {
        let run = piece.repeat(1000);
        let tries: usize = (0..100).map(|at| ipv6_lengths(&run.as_bytes()[at..]).count()).sum();
        assert!(tries <= 100 * 16, "{tries} for {piece}");
    }
}
