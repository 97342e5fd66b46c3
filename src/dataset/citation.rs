//! CITATION.cff, version 1.2.0 of the Citation File Format (<https://citation-file-format.github.io>).

use super::readme::Source;

/// What it is called in the archive.
pub const NAME: &str = "CITATION.cff";

/// The whole text. A JSON string is a YAML string too.
pub fn text(source: &Source, date: &str, version: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = String::from(
        "cff-version: 1.2.0\nmessage: \"If you use this data, please cite it as below.\"\ntype: dataset\n",
    );
    text += &format!("title: {}\n", quoted(&format!("{}: public data dump", source.name)));
    text += &format!("authors:\n  - name: {}\n", quoted(&format!("{} contributors", source.name)));
    text += &format!("version: {}\ndate-released: {date}\nlicense: CC0-1.0\n", quoted(version));
    if let Some(url) = &source.url {
        text += &format!("url: {}\n", quoted(url));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_cites_the_publisher_the_day_and_the_site_if_there_is_one() {
        let source = Source { name: "\"A\": city".into(), url: None, contact: None };
        let cited = text(&source, "2026-01-02", "2026-01-02");
        assert!(cited.contains("\ntitle: \"\\\"A\\\": city: public data dump\"\n"), "{cited}");
        assert!(cited.contains("\n  - name: \"\\\"A\\\": city contributors\"\n"), "{cited}");
        assert!(cited.contains("\nversion: \"2026-01-02\"\ndate-released: 2026-01-02\nlicense: CC0-1.0\n"));
        assert!(!cited.contains("url"), "{cited}");
        let source = Source { url: Some("https://art.example".into()), ..source };
        assert!(text(&source, "2026-01-02", "1").ends_with("\nurl: \"https://art.example\"\n"));
    }
}
