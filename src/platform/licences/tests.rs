#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Map;

use super::*;
use crate::platform::fields::blacklist::rule_for;

const BUILT_IN: MayBeSaid<'_> = &|name| rule_for(name).is_none();

fn of(tags: &str) -> String {
    let parsed: Value = serde_json::from_str(tags).unwrap();
    let licence = licence(&parsed, &[], BUILT_IN);
    if licence != Licence::Own {
        assert!(may_be_foreign(tags), "{tags} was looked over");
    }
    match licence {
        Licence::Own => "own".into(),
        Licence::Foreign(name) => name,
    }
}

fn of_cell(tags: &Cell, column: Option<&str>) -> Licence {
    let columns: Vec<_> = column.map(|text| ("license", text.to_owned())).into_iter().collect();
    licence_of_cell(tags, &columns, BUILT_IN)
}

#[test]
fn own_licences_are_own_however_they_are_written() {
    for value in [
        "CC0",
        "cc0-1.0",
        "CC0 1.0 Universal",
        "PDDL",
        "PDDL-1.0",
        "Public Domain",
        "public_domain",
        "",
        "CC-0",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Zero",
        "http://opendatacommons.org/licenses/pddl/1.0/",
        "Open Data Commons Public Domain Dedication and License (PDDL) v1.0",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "CC0, no rights reserved",
        "CC0 by the City of Vancouver",
        "Public domain, no attribution required",
        "PDM",
        "zero",
        // As CKAN, which most cities publish with, calls them.
        "cc-zero",
        "odc-pddl",
        "http://www.opendefinition.org/licenses/odc-pddl",
        "other-pd",
        "US-PD",
        "CC PDM 1.0",
        "CC-PDDC",
        "PD-US",
        "gemeinfrei",
        "domaine public",
        "dominio público",
        "domínio público",
        "pubblico dominio",
        "publiek domein",
        "No Rights Reserved",
        "Licence CC0",
        "License: CC0 1.0",
        // As the European Union's portals call it.
        "http://publications.europa.eu/resource/authority/licence/CC0",
    ] {
        assert_eq!(of(&format!(r#"{{"license":"{value}"}}"#)), "own", "{value}");
    }
    for tags in [
        r#"{"material":"bronze","source":"City of Vancouver","cosmos":"x"}"#,
        r#"{"license_plate":"BC 123","rights":"held by the city"}"#,
        r#"{"copyright":"© City of Vancouver","credit":"Photo by Jane, success","addr:street":"Main Street, Maple"}"#,
        r#"{"source":"Commons Creative Space","terms":"open to the public","licensed_bar":"yes"}"#,
        r#"{"license":{"name":"CC0 1.0","url":"https://creativecommons.org/publicdomain/zero/1.0/"}}"#,
        r#"{"Osmond Building":"north side","osmosis_mural":"yes","Osman Hamdi Bey":"sitter"}"#,
        r#"{"license":{"id":1,"name":"CC0"},"license_version":1.0}"#,
        r#"{"source_id":4,"rights":7}"#,
        r#"{"license":"CC0","license_version":"1.0"}"#,
        r#"{"license":{"name":"CC0","version":"v1.0"}}"#,
        r#"{"license":"CC0","license_status":"active","license_description":"Do what you like with it"}"#,
        r#"{"license_version":"1.0"}"#,
        // As CKAN has it.
        r#"{"license":{"id":"cc-zero","title":"Creative Commons CCZero","status":"active","maintainer":"CKAN","family":"",
          "is_okd_compliant":true,"od_conformance":"approved","url":"http://www.opendefinition.org/licenses/cc-zero"}}"#,
    ] {
        assert_eq!(of(tags), "own", "{tags}");
    }
}

#[test]
fn public_domain_with_a_reserve_is_not_own() {
    for value in ["gemeinfrei, außer dem Foto", "domaine public sauf photos", "no es de dominio público"] {
        assert_ne!(of(&format!(r#"{{"license":"{value}"}}"#)), "own", "{value}");
    }
}

#[test]
fn labels_in_a_list_say_it_too() {
    for tags in [
        r#"[{"label":"license","value":"ODbL"}]"#,
        r#"[{"license":"ODbL"}]"#,
        r#"[{"label":"license","value":"ODbL"},{"label":"x"}]"#,
        r#"[{"key":"license","value":"ODbL"}]"#,
        r#"{"k":"License","v":"ODbL","more":[1]}"#,
        r#"["mural","license:ODbL"]"#,
        r#"["License","ODbL"]"#,
        r#"{"license:ODbL":true}"#,
        r#"["osm:node"]"#,
        r#"["osm_id"]"#,
        r#"["OSM import"]"#,
        r#"{"osmId":7}"#,
        r#""{\"@id\":\"node/5\",\"name\":\"x\"}""#,
        r#"{"tags":"{\"@id\":\"node/5\"}"}"#,
    ] {
        let cell = Cell::Text(tags.into());
        assert_eq!(of_cell(&cell, None), Licence::Foreign(OSM.into()), "{tags}");
    }
    for tags in [
        r#"["license plates","cosmic"]"#,
        r#"{"license:CC0":true}"#,
        r#"["cosmos","key"]"#,
        r#"["osmosis"]"#,
        r#"{"Osman Hamdi Bey":true}"#,
        r#"["osmanthus tree"]"#,
    ] {
        assert_eq!(of_cell(&Cell::Text(tags.into()), None), Licence::Own, "{tags}");
    }
    assert_eq!(of_cell(&Cell::Null, Some("CC0")), Licence::Own);
}

#[test]
fn what_cannot_be_read_and_speaks_of_openstreetmap_is_theirs() {
    let osm = Licence::Foreign(OSM.into());
    for tags in [
        "{\"osm_id\": 1",
        "licence = ODbL",
        "from https://www.OpenStreetMap.org/node/1",
        "{osm:id=2}",
        "{\"osmId\": 7",
    ] {
        assert!(may_be_foreign(tags), "{tags}");
        assert_eq!(of_cell(&Cell::Text(tags.into()), None), osm, "{tags}");
    }
    for tags in ["cosmic, bronze", "{\"artist\":\"Osman\"", "osmosis, osmanthus"] {
        assert_eq!(of_cell(&Cell::Text(tags.into()), None), Licence::Own, "{tags}");
    }
    let somebodys = of_cell(&Cell::Text(r#"{"license":"CC BY-NC 4.0","height":1e400}"#.into()), None);
    assert_eq!(somebodys, Licence::Foreign(OTHER.into()));
    assert_eq!(of_cell(&Cell::Text("bronze".into()), Some("ODbL")), osm);
}

#[test]
fn foreign_licences_are_told_by_any_of_their_tags() {
    for (tags, name) in [
        (r#"{"License":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"license":"Open Database License (ODbL) v1.0"}"#, "ODbL-1.0"),
        (r#"{"license:data":"CC BY-SA 4.0"}"#, "CC-BY-SA-4.0"),
        (r#"{"licence":"https://creativecommons.org/licenses/by-nc-nd/3.0/"}"#, "CC-BY-NC-ND-3.0"),
        (r#"{"LICENSE":["CC0","CC-BY-4.0"]}"#, "CC-BY-4.0"),
        (r#"{"license":"Open Government Licence - Vancouver"}"#, "Open Government Licence - Vancouver"),
        (r#"{"import_metadata":{"license":"CC BY 2.0"}}"#, "CC-BY-2.0"),
        (r#"{"source":"OpenStreetMap"}"#, "ODbL-1.0"),
        (r#"{"Import Source":"OSM"}"#, "ODbL-1.0"),
        (r#"{"plugin_name":"osm-importer","license":"CC0"}"#, "ODbL-1.0"),
        (r#"{"source_url":"https://www.openstreetmap.org/node/1"}"#, "ODbL-1.0"),
        (r#"{"imported_from":"OpenStreetMap"}"#, "ODbL-1.0"),
        (r#"{"import_batch":"osm-2025-09"}"#, "ODbL-1.0"),
        (r#"{"origin":"OSM"}"#, "ODbL-1.0"),
        (r#"{"provenance":"openstreetmap.org"}"#, "ODbL-1.0"),
        (r#"{"dataset":{"name":"OSM"}}"#, "ODbL-1.0"),
        (r#"{"osm_id":12345}"#, "ODbL-1.0"),
        (r#"{"OSMID":12345}"#, "ODbL-1.0"),
        (r#"{"osm2pgsql_version":1}"#, "ODbL-1.0"),
        (r#"{"osmURL":"x"}"#, "ODbL-1.0"),
        (r#"{"osm:type":"node","license":"CC BY 4.0"}"#, "ODbL-1.0"),
        (r#"{"license":"All rights reserved"}"#, "All rights reserved"),
        (r#"{"license":{"name":"ODbL"}}"#, "ODbL-1.0"),
        (r#"{"license:data":{"id":"ODbL"}}"#, "ODbL-1.0"),
        (r#"{"license":["CC0",{"name":"CC BY 4.0"}]}"#, "CC-BY-4.0"),
        (r#"{"import_metadata":{"source":{"name":"Open Street Map"}}}"#, "ODbL-1.0"),
        (r#"{"tags":{"license":"CC0"},"license":"ODbL","version":"1.0.0"}"#, "ODbL-1.0"),
        (r#"{"importSource":"osm"}"#, "ODbL-1.0"),
        (r#"{"@id":"node/12","data_provider":"OpenStreetMap"}"#, "ODbL-1.0"),
        (r#"{"@id":"way/12"}"#, "ODbL-1.0"),
        (r#"{"sourceUrl":"https://openstreetmap.org/node/1"}"#, "ODbL-1.0"),
        (r#"{"pluginName":"osm-importer"}"#, "ODbL-1.0"),
        (r#"{"dataLicense":"CC BY 4.0"}"#, "CC-BY-4.0"),
        (r#"{"license_url":"https://creativecommons.org/licenses/by/4.0/"}"#, "CC-BY-4.0"),
        (r#"{"source:license":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"licenses":["CC BY 4.0"]}"#, "CC-BY-4.0"),
        (r#"{"copyright":"© OpenStreetMap contributors"}"#, "ODbL-1.0"),
        (r#"{"attribution":"Open-Street-Map"}"#, "ODbL-1.0"),
        (r#"{"note":"{\"license\":\"ODbL\"}"}"#, "ODbL-1.0"),
        // Only what is all there is to it is our own.
        (r#"{"license":"CC0; data (c) OpenStreetMap contributors, ODbL"}"#, "ODbL-1.0"),
        (r#"{"license":"CC0 / ODbL"}"#, "ODbL-1.0"),
        (r#"{"licence":"PDDL; ODbL"}"#, "ODbL-1.0"),
        (r#"{"license":"CC0-incompatible, ODbL"}"#, "ODbL-1.0"),
        (r#"{"license":"CC0-incompatible"}"#, "CC0-incompatible"),
        (r#"{"license":"Public domain (text), CC BY-NC-ND 4.0 (photo)"}"#, "CC-BY-NC-ND-4.0"),
        (r#"{"license":"PD-old / CC-BY-SA"}"#, "CC-BY-SA"),
        (r#"{"license":"zero rights: CC BY"}"#, "CC-BY"),
        (r#"{"license":"CC0, photo © Jane"}"#, "CC0, photo © Jane"),
        (r#"{"license":"CC0, all rights reserved"}"#, "CC0, all rights reserved"),
        (r#"{"license":"Creative Commons Attribution-ShareAlike 4.0 International"}"#, "CC-BY-SA-4.0"),
        // Said where the row is from.
        (r#"{"copyright":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"attribution":"ODbL 1.0"}"#, "ODbL-1.0"),
        (r#"{"attribution":"Open Database License"}"#, "ODbL-1.0"),
        (r#"{"copyright":"CC BY-SA 4.0"}"#, "CC-BY-SA-4.0"),
        (r#"{"rights":"All rights reserved"}"#, "other"),
        (r#"{"usage_terms":"Creative  Commons Attribution 2.0"}"#, "CC-BY-2.0"),
        (r#"{"rights":"CC Attribution 4.0"}"#, "CC-BY-4.0"),
        (r#"{"source":"Photo: CC Attribution-ShareAlike 4.0"}"#, "CC-BY-SA-4.0"),
        (r#"{"credit":"Jane Doe, CC public BY"}"#, "CC-BY"),
        ("{\"source\":\"Open  Street \u{a0} Map\"}", "ODbL-1.0"),
        // Said by another name, or by none.
        (r#"{"licensed_under":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"license_statement":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"terms":"ODbL"}"#, "ODbL-1.0"),
        (r#"{"Lizenz":"dl-de/by-2-0"}"#, "dl-de/by-2-0"),
        (r#"["mural","CC BY-SA 4.0"]"#, "CC-BY-SA-4.0"),
        // Whoever is named in a member that never leaves is not named here.
        (r#"{"user_license":"Ask Jane Doe"}"#, "other"),
        (r#"{"import_metadata":{"source_data":{"license":"Ask Jane Doe"}}}"#, "other"),
        (r#"{"_internal":{"license":"CC BY 4.0"}}"#, "CC-BY-4.0"),
        (r#"{"user_license:Ask Jane Doe":true}"#, "other"),
        (r#"{"user_notes":["license:Ask Jane Doe"]}"#, "other"),
        (r#"{"source_data":{"license:Ask Jane Doe":true}}"#, "other"),
        (r#"["license:Ask the city"]"#, "Ask the city"),
        // By the number that Flickr gives it.
        (r#"{"license":4}"#, "4"),
        (r#"{"licenses":[4]}"#, "[4]"),
        (r#"{"license_id":4}"#, "4"),
        (r#"[{"key":"license","value":4}]"#, "4"),
        // Spelt by two members, whatever they are called.
        (r#"[{"Key":"License","Value":"ODbL 1.0"}]"#, "ODbL-1.0"),
        (r#"{"attributes":[{"trait_type":"License","value":"CC BY-NC 4.0"}]}"#, "CC-BY-NC-4.0"),
        (r#"[{"field":"license","value":"All rights reserved"}]"#, "All rights reserved"),
        (r#"{"key":"license","value":"CC0","values":["ODbL"]}"#, "ODbL-1.0"),
        (r#"{"label":"height","name":"license","value":"ODbL"}"#, "ODbL-1.0"),
    ] {
        assert_eq!(of(tags), name, "{tags}");
    }
    assert_eq!(of_cell(&Cell::Null, Some("CC BY 4.0")), Licence::Foreign("CC-BY-4.0".into()));
}

#[test]
fn what_the_operator_keeps_in_is_not_said_of_a_licence_either() {
    let said = |tags: &str, columns: Columns<'_>| {
        licence(&serde_json::from_str(tags).unwrap(), columns, &|name| name == "license")
    };
    let named = |name: &str| Licence::Foreign(name.into());
    let notice = "© Jane Doe, 12 Mill Lane";
    for name in ["license_notice", "licence"] {
        assert_eq!(said(&format!(r#"{{"{name}":"{notice}"}}"#), &[]), named(OTHER));
        assert_eq!(said(&format!(r#"{{"{name}:{notice}":true}}"#), &[]), named(OTHER));
        assert_eq!(said("{}", &[(name, notice.into())]), named(OTHER));
        assert_eq!(said("{}", &[(name, "CC BY 4.0".into())]), named("CC-BY-4.0"));
    }
    assert_eq!(said(&format!(r#"{{"license":"{notice}"}}"#), &[]), named(notice));
    assert_eq!(said("{}", &[("license", "CC0".into()), ("licence", "ODbL".into())]), named(OSM));
}

#[test]
fn what_is_said_about_a_licence_of_our_own_may_take_it_back() {
    for (tags, name) in [
        (r#"{"license":"CC0","license_description":"Photos © Jane Doe"}"#, "other"),
        (r#"{"license":{"name":"CC0","description":"data: CC BY 4.0"}}"#, "CC-BY-4.0"),
        (r#"{"license":"CC0","license_version":"ODbL 1.0"}"#, "ODbL-1.0"),
        (r#"{"license":"CC0","license_type":"proprietary"}"#, "proprietary"),
        // Nothing of our own is named.
        (r#"{"license_description":"Ask Jane Doe"}"#, "Ask Jane Doe"),
        (r#"{"license":"","license_description":"Ask Jane Doe"}"#, "Ask Jane Doe"),
        (r#"{"license":{"description":"Ask Jane Doe"},"title":"CC0"}"#, "Ask Jane Doe"),
        (r#"{"license":{"name":"CC BY 4.0","version":"4.0"}}"#, "CC-BY-4.0"),
        (r#"{"licenses":[{"name":"CC0","version":"1.0"},{"name":"X","version":"2"}]}"#, "X"),
    ] {
        assert_eq!(of(tags), name, "{tags}");
    }
}

#[test]
fn a_licence_is_named_by_its_own_words_alone() {
    for (text, name) in [
        ("CC BY San Francisco Arts Commission", "CC-BY"),
        ("CC BY, Sara Lee", "CC-BY"),
        ("CC BY S. A. Smith", "CC-BY"),
        ("CC BY by Ndeye", "CC-BY"),
        ("CC BY Ndeye 2012", "CC-BY"),
        ("CC BY 2019 City of Delta", "CC-BY"),
        ("CC BY 20 works", "CC-BY"),
        ("Creative Commons Attribution, 12 works", "CC-BY"),
        ("CC BY 1, 2 and 3", "CC-BY"),
        ("CC-BY-SA / GFDL", "CC-BY-SA"),
        ("ccbysa40", "CC-BY-SA-4.0"),
        ("CC-BYNCND 3.0", "CC-BY-NC-ND-3.0"),
        ("Creative Commons CC-BY 2.5", "CC-BY-2.5"),
        ("Creative Commons License Attribution-Non-Commercial-Share Alike 3.0", "CC-BY-NC-SA-3.0"),
        ("Creative Commons Attribution-No Derivative Works 2.1 Japan", "CC-BY-ND-2.1"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/deed.de", "CC-BY-NC-SA-4.0"),
        // Adapted to the law of a country, it is another.
        ("CC BY-SA 2.0 FR", "CC-BY-SA-2.0-FR"),
        ("http://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0-US"),
        ("http://creativecommons.org/licenses/by/3.0/igo/legalcode", "CC-BY-3.0-IGO"),
        ("CC BY 3.0 at the museum", "CC-BY-3.0"),
        ("CC BY 4.0 CA", "CC-BY-4.0"),
    ] {
        assert_eq!(of(&format!(r#"{{"license":"{text}"}}"#)), name, "{text}");
    }
}

#[test]
fn a_line_end_between_two_words_hides_no_licence() {
    for (text, name) in [
        ("© Jane Doe. All rights reserved.", "other"),
        ("Photo: CC BY-NC 2.0", "CC-BY-NC-2.0"),
        ("Creative Commons Attribution", "CC-BY"),
        ("from Open Street Map", "ODbL-1.0"),
        ("ODC BY", "other"),
    ] {
        for space in ["\n", "\r\n", "\t", "\n\n \u{c}", "\\"] {
            let json = serde_json::json!({ "attribution": text.replace(' ', space) });
            assert_eq!(of(&json.to_string()), name, "{json}");
            let within = serde_json::json!({ "attribution": { "a": json.to_string() } });
            let within = serde_json::json!({ "note": within.to_string() });
            assert_eq!(of(&within.to_string()), name, "{within}");
        }
    }
    // What would take long, if each line end were looked at more than once, or end the stack.
    assert!(!may_be_foreign(&format!(r#"{{"a":"cc{}"}}"#, r"\n".repeat(200_000))));
}

#[test]
fn pairs_within_pairs_are_looked_at_once_each() {
    let within = |innermost: &str| {
        let pairs = |inner: String, label: &str| format!(r#"{{"key":"{label}","value":{inner}}}"#);
        let around = ["a", "source"].into_iter().cycle().take(119);
        std::iter::once("licence").chain(around).fold(format!("\"{innermost}\""), pairs)
    };
    // Each was looked at twice, so that 40 took longer than anybody waits.
    assert_eq!(of(&within("CC0")), "own");
    assert_eq!(of(&within("CC BY 4.0")), "CC-BY-4.0");
}

#[test]
fn a_pair_of_thousands_of_names_and_values_is_looked_at_once() {
    // Took hours while each value was looked at under each name.
    let names = |name: &str| {
        let name = name.to_owned();
        (0..1000).map(move |n| format!("{name}{n:b}").replace('0', "!").replace('1', "?"))
    };
    let labels = names("key").map(|name| (name, Value::from("height")));
    let values = names("value").map(|name| (name, Value::from("CC BY 4.0")));
    let mut members: Map<String, Value> = labels.chain(values).collect();
    assert_eq!(of(&Value::from(members.clone()).to_string()), "own");
    members.insert("name".into(), "licence".into());
    assert_eq!(of(&Value::from(members).to_string()), "CC-BY-4.0");
}

#[test]
fn a_long_text_is_looked_through_once() {
    // Took an hour while each word was read again from each before it.
    for text in [
        "cc ".repeat(30_000),
        "cc license public ".repeat(10_000),
        "creative commons ".repeat(10_000),
        format!("cc {} {}", "by".repeat(20_000), "nc".repeat(20_000)),
    ] {
        assert_eq!(of(&serde_json::json!({ "source": text, "license": "CC0" }).to_string()), "own");
        let named = serde_json::json!({ "source": format!("{text} cc by 4.0") });
        assert_eq!(of(&named.to_string()), "CC-BY-4.0");
    }
}

#[test]
fn the_quick_look_knows_all_that_names_a_licence_of_creative_commons() {
    const WORDS: [&str; 9] =
        ["cc", "creative", "commons", "creativecommons", "org", "public", "by", "attribution", "no"];
    for at in 0..WORDS.len().pow(3) {
        let three = [at / 81, at / 9 % 9, at % 9].map(|at| WORDS[at]);
        for joint in [" ", "-", "\n", ""] {
            let text = three.join(joint);
            let json = serde_json::json!({ "source": text }).to_string();
            assert!(named_in(&text).is_none() || may_be_foreign(&json), "{json}");
        }
    }
}

#[test]
fn what_a_pair_says_counts_for_more_than_what_stands_beside_it() {
    assert_eq!(of(r#"{"key":"licence","value":"CC BY 4.0","license":"X"}"#), "CC-BY-4.0");
    assert_eq!(of(r#"{"licence":{"key":"source","value":"Mine"}}"#), "Mine");
    assert_eq!(of(r#"{"key":"license:ODC","value":true,"license":"X"}"#), "ODC");
    assert_eq!(of(r#"{"key":"osm:id","value":"7"}"#), "ODbL-1.0");
}
