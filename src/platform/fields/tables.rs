//! What becomes of every table and column that the platform has, or had in a form that may still be met.

use Decision::{Published, Withheld};

/// What becomes of a column of a content table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is read for this field of this file.
    Published(&'static str),
    /// It is not published, for this reason.
    Withheld(&'static str),
}

/// A table that is read for output.
#[derive(Debug)]
pub struct ContentTable {
    /// Its name.
    pub name: &'static str,
    /// Every column that is known, with what becomes of it.
    pub columns: &'static [(&'static str, Decision)],
}

/// A table that is never read for output.
#[derive(Debug)]
pub struct PrivateTable {
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Every column that is known.
    pub columns: &'static [&'static str],
}

const FILTER: Decision = Withheld("decides which rows are published");
const JOIN: Decision = Withheld("only joins rows");

/// Of those who make works, whatever a form of the schema calls their table.
const CREATOR: &[(&str, Decision)] = &[
    ("id", Published("creators.id")),
    ("name", Published("creators.name")),
    ("description", Published("creators.description")),
    ("bio", Published("creators.description")),
    ("website", Published("creators.tags")),
    ("aliases", Published("creators.aliases")),
    ("tags", Published("creators.tags")),
    ("created_at", Published("creators.created_at")),
    ("updated_at", Published("creators.updated_at")),
    ("photos", Withheld("portraits of people; a dump shows works")),
    ("status", FILTER),
    ("consent_version", Withheld("about the user who submitted the row")),
];

/// The tables that are read for output. No other ever is.
pub static CONTENT: [ContentTable; 7] = [
    ContentTable {
        name: "artwork",
        columns: &[
            ("id", Published("artwork.id")),
            ("title", Published("artwork.title")),
            ("description", Published("artwork.description")),
            ("lat", Published("artwork.lat")),
            ("lon", Published("artwork.lon")),
            ("type_id", Published("artwork.type")),
            ("tags", Published("artwork.tags")),
            ("photos", Published("artwork.photos")),
            ("artist_names", Published("artwork.creators")),
            ("license", Published("artwork.license")),
            ("licence", Published("artwork.license")),
            ("created_at", Published("artwork.created_at")),
            ("updated_at", Published("artwork.updated_at")),
            ("status", FILTER),
            ("created_by", Withheld("holds the id, and so the secret, of the user who imported the row")),
            (
                "address",
                Withheld("free text that may be anybody's address; lat and lon say where the work is"),
            ),
            ("consent_version", Withheld("about the user who submitted the row")),
        ],
    },
    ContentTable {
        name: "artwork_types",
        columns: &[
            ("id", JOIN),
            ("name", Published("artwork.type")),
            ("description", Withheld("explains the seven types to the platform's own forms")),
            ("created_at", Withheld("the day the platform was set up")),
        ],
    },
    ContentTable {
        name: "tags",
        columns: &[
            ("id", Withheld("plumbing: tags are known by label and value")),
            ("artwork_id", JOIN),
            ("logbook_id", Withheld("names a user's own log entry")),
            ("label", Published("artwork.tags")),
            ("value", Published("artwork.tags")),
            ("created_at", Withheld("says when a user was active")),
        ],
    },
    ContentTable { name: "artists", columns: CREATOR },
    ContentTable { name: "creators", columns: CREATOR },
    ContentTable {
        name: "artwork_artists",
        columns: &[
            ("id", Withheld("plumbing: a link is known by its ends and role")),
            ("artwork_id", Published("artwork_creators.artwork_id")),
            ("artist_id", Published("artwork_creators.creator_id")),
            ("role", Published("artwork_creators.role")),
            ("created_at", Published("artwork_creators.created_at")),
        ],
    },
    ContentTable {
        name: "artwork_creators",
        columns: &[
            ("id", Withheld("plumbing: a link is known by its ends and role")),
            ("artwork_id", Published("artwork_creators.artwork_id")),
            ("creator_id", Published("artwork_creators.creator_id")),
            ("role", Published("artwork_creators.role")),
            ("created_at", Published("artwork_creators.created_at")),
        ],
    },
];

const fn private(name: &'static str, reason: &'static str, columns: &'static [&'static str]) -> PrivateTable {
    PrivateTable { name, reason, columns }
}

/// The tables that are never read for output.
#[rustfmt::skip]
pub static PRIVATE: [PrivateTable; 27] = [
    private("admin_actions", "what administrators did, and to whom", &[
        "id", "admin_uuid", "action_type", "target_uuid", "permission_type", "old_value", "new_value", "reason",
        "metadata", "created_at",
    ]),
    private("artist_edits", "edits by users, before they were approved", &[
        "edit_id", "id", "artist_id", "user_token", "field_name", "field_value_old", "field_value_new", "status",
        "moderator_notes", "reviewed_at", "reviewed_by", "submitted_at", "created_at",
    ]),
    private("artwork_edits", "edits by users, before they were approved", &[
        "edit_id", "id", "artwork_id", "user_token", "field_name", "field_value_old", "field_value_new", "status",
        "moderator_notes", "reviewed_at", "reviewed_by", "submitted_at", "created_at",
    ]),
    private("audit_log", "who did what, from which address", &[
        "id", "action_type", "entity_type", "entity_id", "user_token", "moderator_token", "action_data", "reason",
        "ip_address", "user_agent", "created_at",
    ]),
    private("audit_logs", "who did what, from which address", &[
        "id", "action", "action_type", "entity_type", "entity_id", "user_token", "moderator_token", "details",
        "metadata", "ip_address", "user_agent", "created_at",
    ]),
    private("auth_sessions", "sessions of users", &[
        "id", "user_uuid", "token_hash", "created_at", "last_accessed_at", "expires_at", "ip_address", "user_agent",
        "is_active", "device_info",
    ]),
    private("badges", "the platform's own game, no data on art", &[
        "id", "badge_key", "title", "description", "icon_emoji", "category", "threshold_type", "threshold_value",
        "level", "is_active", "created_at", "updated_at",
    ]),
    private("consent", "who consented, from which address", &[
        "id", "created_at", "user_id", "anonymous_token", "consent_version", "content_type", "content_id",
        "ip_address", "consent_text_hash",
    ]),
    private("consent_records", "who consented, from which address", &[
        "id", "user_token", "user_id", "email", "consent_version", "age_verified", "cc0_licensing",
        "public_commons", "freedom_of_panorama", "content_type", "content_id", "ip_address", "user_agent",
        "consented_at", "revoked_at", "created_at",
    ]),
    private("data_dumps", "dumps of an earlier release, with who made them", &[
        "id", "filename", "size", "r2_key", "download_url", "generated_at", "generated_by", "total_artworks",
        "total_creators", "total_tags", "total_photos", "warnings",
    ]),
    private("feedback", "what users wrote to the moderators", &[
        "id", "subject_type", "subject_id", "user_token", "issue_type", "note", "status", "created_at",
        "reviewed_at", "moderator_token", "review_notes", "ip_address", "user_agent",
    ]),
    private("list_items", "what users collected", &["id", "list_id", "artwork_id", "added_by_user_id", "created_at"]),
    private("lists", "what users collected", &[
        "id", "owner_user_id", "name", "visibility", "is_readonly", "is_system_list", "created_at", "updated_at",
    ]),
    private("logbook", "visits of users", &[
        "id", "artwork_id", "user_token", "note", "photos", "status", "created_at", "lat", "lon",
        "consent_version",
    ]),
    private("magic_links", "secrets that log users in", &[
        "token", "email", "user_uuid", "created_at", "expires_at", "used_at", "ip_address", "user_agent", "is_signup",
    ]),
    private("moderation_decisions", "what moderators decided, and why", &[
        "id", "submission_id", "moderator_uuid", "decision", "reason", "metadata", "artwork_id", "action_taken",
        "photos_processed", "created_at",
    ]),
    private("notifications", "messages to users", &[
        "id", "user_token", "type", "type_key", "title", "message", "metadata", "created_at", "is_dismissed",
        "related_id",
    ]),
    private("photo_metadata", "places and cameras of uploads", &[
        "id", "photo_url", "photo_key", "artwork_id", "logbook_id", "filename", "original_filename", "width",
        "height", "file_size", "mime_type", "gps_latitude", "gps_longitude", "camera_make", "camera_model",
        "taken_at", "created_at",
    ]),
    private("rate_limiting", "e-mail addresses and network addresses", &[
        "identifier", "identifier_type", "request_count", "window_start", "last_request_at", "blocked_until",
    ]),
    private("social_media_schedules", "posts that users planned", &[
        "id", "user_id", "artwork_id", "scheduled_date", "social_type", "status", "body", "photos",
        "last_attempt_at", "error_message", "created_at",
    ]),
    private("submissions", "what users sent, with their names and addresses", &[
        "id", "submission_type", "user_token", "email", "submitter_name", "artwork_id", "artist_id", "lat", "lon",
        "notes", "photos", "tags", "old_data", "new_data", "verification_status", "status", "reviewer_token",
        "review_notes", "reviewed_at", "created_at", "updated_at",
    ]),
    private("user_activity", "what users did, from which address", &[
        "id", "user_token", "user_type", "activity_type", "entity_type", "entity_id", "metadata", "ip_address",
        "user_agent", "created_at",
    ]),
    private("user_badges", "what users were awarded", &[
        "id", "user_uuid", "badge_id", "awarded_at", "award_reason", "metadata",
    ]),
    private("user_permissions", "what users may do", &[
        "id", "user_token", "user_uuid", "permission", "resource_type", "resource_id", "granted_by", "granted_at",
        "expires_at", "revoked_at", "revoked_by", "is_active", "notes",
    ]),
    private("user_roles", "what users may do", &[
        "id", "user_token", "role", "granted_by", "granted_at", "revoked_at", "revoked_by", "is_active", "notes",
    ]),
    private("users", "accounts; the uuid is the secret that logs a user in", &[
        "uuid", "email", "created_at", "last_login", "email_verified_at", "status", "profile_name", "clerk_user_id",
    ]),
    private("d1_migrations", "plumbing of D1", &["id", "name", "applied_at"]),
];

/// The content table of that name, in any case.
pub fn content(name: &str) -> Option<&'static ContentTable> {
    CONTENT.iter().find(|table| table.name.eq_ignore_ascii_case(name))
}

/// The private table of that name, in any case.
pub fn private_table(name: &str) -> Option<&'static PrivateTable> {
    PRIVATE.iter().find(|table| table.name.eq_ignore_ascii_case(name))
}

impl ContentTable {
    /// What becomes of a column, in any case; None when it is not known.
    pub fn decision(&self, column: &str) -> Option<Decision> {
        self.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, decision)| *decision)
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::{ARTWORK, CREATORS, LINKS};
    use super::*;

    #[test]
    fn what_is_published_is_a_field_of_a_file() {
        for table in &CONTENT {
            for (column, decision) in table.columns {
                let Published(field) = decision else { continue };
                let known = field.split_once('.').is_some_and(|(file, field)| {
                    [&ARTWORK, &CREATORS, &LINKS]
                        .iter()
                        .any(|data| data.name.strip_suffix(".json") == Some(file) && data.has_field(field))
                });
                assert!(known, "{}.{column} is published as {field}", table.name);
            }
        }
    }

    #[test]
    fn a_table_is_decided_on_once_and_every_entry_has_a_reason() {
        let names = CONTENT.iter().map(|table| table.name).chain(PRIVATE.iter().map(|table| table.name));
        let mut names: Vec<_> = names.collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(PRIVATE.iter().all(|table| !table.reason.is_empty() && !table.columns.is_empty()));
    }
}
