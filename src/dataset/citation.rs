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
