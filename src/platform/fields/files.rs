//! The data files of a dump and their fields, in the order in which they are written.

/// A data file: an array of objects, one per line.
#[derive(Debug)]
pub struct DataFile {
    /// Its name in the archive.
    pub name: &'static str,
    /// What one object is.
    pub record: &'static str,
    /// The fields that tell objects apart, and that they are sorted by.
    pub key: &'static [&'static str],
    /// In the order in which they are written.
    pub fields: &'static [Field],
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether every record has it; the others leave it out when there is nothing to say.
    pub required: bool,
    /// What it means, for the dictionary. `verify` compares schemas to the letter, so other words take another version of
    /// the format.
    pub about: &'static str,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A whole number from 0 on.
    Count,
    /// RFC 3339 in UTC.
    Instant,
    /// An object of any members.
    Tags,
    /// An array of texts.
    Texts,
    /// An array of objects.
    Objects(&'static [Field]),
}

const fn always(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: true, about }
}

const fn maybe(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, required: false, about }
}

const WORK: &[Field] = &[
    always("id", Kind::Text, "stable id of the work"),
    maybe("title", Kind::Text, "title; absent when the work has none"),
    maybe("description", Kind::Text, "description, may be Markdown"),
    maybe("lat", Kind::Number, "latitude, WGS 84, decimal degrees"),
    maybe("lon", Kind::Number, "longitude, WGS 84, decimal degrees"),
    maybe("type", Kind::Text, "kind of work, such as mural or sculpture"),
    always(
        "tags",
        Kind::Tags,
        "what else is known: material, dimensions, access…; values may be text, numbers, true, arrays and objects",
    ),
    always("creators", Kind::Objects(WORK_CREATOR), "who made it; the ids are those of creators.json"),
    always("photos", Kind::Objects(WORK_PHOTO), "thumbnails in this archive"),
    always("license", Kind::Text, "licence of the record, an SPDX identifier where there is one"),
    maybe("source", Kind::Text, "where an imported record came from"),
    maybe("url", Kind::Text, "page of the work"),
    maybe("created_at", Kind::Instant, "when the record was made"),
    maybe("updated_at", Kind::Instant, "when the record was last changed"),
];

/// Who made a work.
pub const WORK_CREATOR: &[Field] = &[
    maybe("id", Kind::Text, "id in creators.json; absent for a name that was never linked to a record"),
    always("name", Kind::Text, "name"),
    maybe("role", Kind::Text, "part in the work, such as primary or collaborator"),
];

/// A thumbnail of a work.
pub const WORK_PHOTO: &[Field] = &[
    always("file", Kind::Text, "name of the thumbnail in this archive"),
    always("width", Kind::Count, "pixels"),
    always("height", Kind::Count, "pixels"),
    always("bytes", Kind::Count, "size of the file"),
    always("sha256", Kind::Text, "SHA-256 of the file, lower-case hex"),
    maybe("credit", Kind::Text, "who is to be credited for the photo"),
];

/// artwork.json.
pub static ARTWORK: DataFile =
    DataFile { name: "artwork.json", record: "a work of public art", key: &["id"], fields: WORK };

/// artwork-other-licenses.json: the same fields.
pub static OTHER_LICENSES: DataFile = DataFile {
    name: "artwork-other-licenses.json",
    record: "a work whose record is under another licence than CC0",
    key: &["id"],
    fields: WORK,
};

/// creators.json.
pub static CREATORS: DataFile = DataFile {
    name: "creators.json",
    record: "a person or group that made works in artwork.json",
    key: &["id"],
    fields: &[
        always("id", Kind::Text, "stable id of the creator"),
        maybe("name", Kind::Text, "name"),
        maybe("description", Kind::Text, "biography, may be Markdown"),
        always("aliases", Kind::Texts, "other names"),
        always("tags", Kind::Tags, "what else is known: website, wikipedia…"),
        maybe("url", Kind::Text, "page of the creator"),
        maybe("created_at", Kind::Instant, "when the record was made"),
        maybe("updated_at", Kind::Instant, "when the record was last changed"),
    ],
};

/// artwork_creators.json.
pub static LINKS: DataFile = DataFile {
    name: "artwork_creators.json",
    record: "a creator's part in a work",
    key: &["artwork_id", "creator_id", "role"],
    fields: &[
        always("artwork_id", Kind::Text, "id in artwork.json"),
        always("creator_id", Kind::Text, "id in creators.json"),
        maybe("role", Kind::Text, "part in the work, such as primary or collaborator"),
        maybe("created_at", Kind::Instant, "when the link was made"),
    ],
};

/// tags.json.
pub static TAGS: DataFile = DataFile {
    name: "tags.json",
    record: "a label and value, and the works in artwork.json that have them",
    key: &["label", "value"],
    fields: &[
        always("label", Kind::Text, "name of the tag; members of objects have dotted names"),
        always("value", Kind::Text, "value, always as text; each value of an array has its own record"),
        always("count", Kind::Count, "how many works have it"),
        always("artwork_ids", Kind::Texts, "their ids, in bytewise order"),
    ],
};

/// Those that every dump has, in the order of the archive.
pub static DATA_FILES: [&DataFile; 4] = [&ARTWORK, &CREATORS, &LINKS, &TAGS];

impl DataFile {
    /// Whether a record has a field of that name.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}
