//! Names that never leave: as a column, as a tag, or as a member of an object at any depth.
//!
//! Names are compared in one form, see [`normal`]: `User-Token`, `userToken` and `user token` are `user_token`. A
//! name with a prefix (`contact:phone`) is also looked up without it. `*` stands for any text.

use std::borrow::Cow;

/// A name or pattern, and why it never leaves.
#[derive(Debug)]
pub struct Rule {
    /// Lower case, words joined by `_`; may hold one `*` at either end or both.
    pub pattern: &'static str,
    /// Why.
    pub reason: &'static str,
}

const ADDRESS: &str = "where a person can be reached";
const SECRET: &str = "lets somebody in";
const PERSON: &str = "names a user";
const MODERATION: &str = "moderation is nobody else's business";
const NETWORK: &str = "where a user was, and with what";
const IMPORT: &str = "traces of an import, of no use to others";
const INTERNAL: &str = "names that begin so are the platform's own";

const fn rule(pattern: &'static str, reason: &'static str) -> Rule {
    Rule { pattern, reason }
}

/// Every rule.
#[rustfmt::skip]
pub static BLACKLIST: [Rule; 79] = [
    rule("_*", INTERNAL),
    rule("ip", NETWORK), rule("ips", NETWORK), rule("ip_*", NETWORK), rule("*_ip", NETWORK),
    rule("ipv4", NETWORK), rule("ipv6", NETWORK), rule("remote_addr", NETWORK), rule("user_agent", NETWORK),
    rule("useragent", NETWORK), rule("ipaddress", NETWORK),
    rule("device_info", NETWORK), rule("device_id", NETWORK), rule("referrer", NETWORK),
    rule("fingerprint", NETWORK),
    rule("*email*", ADDRESS), rule("e_mail*", ADDRESS), rule("mail", ADDRESS), rule("phone*", ADDRESS),
    rule("*_phone", ADDRESS), rule("*_phone_*", ADDRESS), rule("cellphone*", ADDRESS), rule("telephone*", ADDRESS), rule("mobile", ADDRESS), rule("cell", ADDRESS),
    rule("fax", ADDRESS), rule("address", ADDRESS), rule("home_address", ADDRESS),
    rule("postal_address", ADDRESS), rule("mailing_address", ADDRESS), rule("billing_address", ADDRESS),
    rule("contact", ADDRESS), rule("contact_name", ADDRESS), rule("contact_info", ADDRESS),
    rule("first_name", PERSON), rule("last_name", PERSON), rule("full_name", PERSON), rule("birth_date", PERSON),
    rule("birthday", PERSON), rule("date_of_birth", PERSON),
    rule("password*", SECRET), rule("*_password", SECRET), rule("passwd", SECRET), rule("*secret*", SECRET),
    rule("token", SECRET), rule("token_*", SECRET), rule("*_token", SECRET), rule("*_tokens", SECRET),
    rule("api_key", SECRET), rule("*_api_key", SECRET), rule("session*", SECRET), rule("cookie*", SECRET),
    rule("*_hash", SECRET), rule("uuid", PERSON), rule("*_uuid", PERSON), rule("user", PERSON),
    rule("users", PERSON), rule("user_*", PERSON), rule("*_user_id", PERSON), rule("username", PERSON),
    rule("uid", PERSON), rule("userid", PERSON), rule("profile_name", PERSON), rule("submitter*", PERSON),
    rule("submitted_by*", PERSON), rule("created_by*", PERSON), rule("uploaded_by*", PERSON),
    rule("updated_by*", PERSON),
    rule("moderator*", MODERATION), rule("moderation*", MODERATION), rule("reviewer*", MODERATION),
    rule("reviewed_by*", MODERATION), rule("review_notes", MODERATION), rule("admin_*", MODERATION),
    rule("created_from_artwork", "may name a work that is not public"),
    rule("artist_ids", "may name artists who are not public"),
    rule("source_data", "a foreign record as it came, which nobody has looked at"),
    rule("import_batch*", IMPORT), rule("plugin*", IMPORT),
];

/// More names that never leave from a tag, beside those with a pattern of their own.
pub static IMPORT_NAMES: [&str; 3] = ["import_plugin", "auto_created", "batch_id"];

/// The one form in which names are compared: trimmed, lower case, words joined by `_`.
pub fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len() + 4);
    let mut before_small = false;
    for c in name.trim().chars() {
        if c.is_uppercase() && before_small {
            normal.push('_');
        }
        before_small = c.is_lowercase() || c.is_numeric();
        match c {
            ' ' | '-' | '.' | '\t' | '\n' => normal.push('_'),
            c => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

/// Whether a pattern in its normal form takes a name in its normal form. Any number of `*`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.len() >= end.len() && left.ends_with(end)
}

/// The forms under which a name is looked up: whole, and without its prefixes.
pub fn forms(name: &str) -> impl Iterator<Item = Cow<'static, str>> {
    let whole = normal(name);
    let joined = whole.replace(':', "_");
    let last = whole.rsplit(':').next().filter(|last| last.len() < whole.len()).map(str::to_owned);
    // The prefix of a place of a work is no address book.
    let last = last.filter(|_| !whole.starts_with("addr:"));
    [Some(Cow::from(joined)), last.map(Cow::from)].into_iter().flatten()
}

/// The rule that keeps a name in, if there is one.
pub fn rule_for(name: &str) -> Option<&'static str> {
    forms(name).find_map(|form| {
        let rule = BLACKLIST.iter().find(|rule| matches(rule.pattern, &form));
        rule.map(|rule| rule.pattern).or_else(|| IMPORT_NAMES.into_iter().find(|known| *known == form))
    })
}

/// Whether what stands under that name tells who or where a person is, or lets somebody in.
pub fn identifies(name: &str) -> bool {
    const REASONS: [&str; 5] = [ADDRESS, SECRET, PERSON, MODERATION, NETWORK];
    forms(name).any(|form| {
        BLACKLIST.iter().any(|rule| REASONS.contains(&rule.reason) && matches(rule.pattern, &form))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_kept_in_however_it_is_written() {
        for name in [
            "ip",
            "IP",
            "ip_address",
            "ipAddress",
            "IP-Address",
            "client_ip",
            "IPAddress",
            "userid",
            "userAgent",
            "useragent",
            "contact:phone:office",
            "contact_phone_number",
            "cellphone",
            "email",
            "Email Address",
            "contact:email",
            "contact:phone",
            "phone",
            "address",
            "password",
            "user_token",
            "userToken",
            "User Token",
            "reviewer_token",
            "user_uuid",
            "admin_uuid",
            "uuid",
            "submitter_name",
            "submitted_by",
            "moderator_notes",
            "reviewer",
            "admin_notes",
            "session_id",
            "sessionId",
            "sessions",
            "created_by",
            "created_by_admin",
            "_photos",
            "_internal",
            "source_data",
            "created_from_artwork",
            "artist_ids",
            "import_batch",
            "import_batch_id",
            "plugin_name",
            "pluginVersion",
            "auto_created",
        ] {
            assert!(rule_for(name).is_some(), "{name}");
        }
    }

    #[test]
    fn art_is_not_eaten() {
        for name in [
            "artwork_type",
            "subject",
            "style",
            "start_date",
            "material",
            "dimensions",
            "condition",
            "city",
            "province",
            "country",
            "access",
            "fee",
            "website",
            "wikipedia",
            "keywords",
            "status",
            "inscription",
            "description",
            "participants",
            "addr:full",
            "addr:street",
            "addr:housenumber",
            "addr:city",
            "source_url",
            "source",
            "license",
            "License",
            "Import Source",
            "title",
            "artist_name",
            "artists",
            "installation",
            "tokens of peace",
            "description:fr",
            "contact:website",
            "ship",
            "equipment",
            "zip",
            "recipe",
            "height",
            "import_metadata",
            "ref",
            "owner",
            "sponsor",
        ] {
            assert!(rule_for(name).is_none(), "{name} is kept in by {:?}", rule_for(name));
        }
    }

    #[test]
    fn patterns_take_a_star_anywhere() {
        for (pattern, name, taken) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*b*", "abc", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, name), taken, "{pattern} {name}");
        }
    }
}
