//! Names that never leave: as a column, as a tag, or as a member of an object at any depth; and those that do though
//! a pattern takes them.
//!
//! Names are compared in one form, see [`normal`](super::names::normal): `User-Token`, `userToken` and `user token` are
//! `user_token`; a capital may as well be a letter like any other: `WhatsApp` is `whatsapp` too. A name with a prefix
//! (`contact:phone`) is also looked up without it, and one with a number (`tel2`) without that. `*` stands for any text.

use super::names::{forms, is_sign, matches, names_in_label};

/// A name or pattern, and why it never leaves, or does.
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
const EDITOR: &str = "names who worked on the row, as maps, tables and forms keep it";
const STREET: &str = "a person's as often as a work's, whose place lat, lon and addr:* say";
const BIRTH: &str = "an exact day of birth is what banks ask for; a year leaves as birth_year or born";
const MODERATION: &str = "moderation is nobody else's business";
const NETWORK: &str = "where a user was, and with what";
const WORK: &str = "may name a work that is not public";
const ARTISTS: &str = "may name artists who are not public";
const RECORD: &str = "a foreign record as it came, which nobody has looked at";
const IMPORT: &str = "traces of an import, of no use to others";
const FILE: &str = "what an uploader called a file";
const INTERNAL: &str = "names that begin so are the platform's own";

const fn rule(pattern: &'static str, reason: &'static str) -> Rule {
    Rule { pattern, reason }
}

/// Every rule.
#[rustfmt::skip]
pub static BLACKLIST: &[Rule] = &[
    rule("_*", INTERNAL),
    rule("ip", NETWORK), rule("ips", NETWORK), rule("ip_*", NETWORK), rule("*_ip", NETWORK),
    rule("ipv4*", NETWORK), rule("ipv6*", NETWORK), rule("remote_addr", NETWORK), rule("user_agent", NETWORK),
    rule("useragent", NETWORK), rule("ipaddr*", NETWORK), rule("clientip", NETWORK), rule("remoteip", NETWORK),
    rule("userip", NETWORK), rule("sourceip", NETWORK),
    rule("*forwarded_for", NETWORK), rule("remote_address", NETWORK),
    rule("device_info", NETWORK), rule("device_id", NETWORK), rule("referrer", NETWORK), rule("referer", NETWORK),
    rule("rate_limit*", NETWORK), rule("last_login*", NETWORK),
    rule("fingerprint", "a browser's, which tells a visitor from all others; seldom a casting's"),
    rule("*email*", ADDRESS), rule("e_mail*", ADDRESS), rule("mail", ADDRESS), rule("phone*", ADDRESS),
    rule("*_phone", ADDRESS), rule("*_phone_*", ADDRESS), rule("cellphone*", ADDRESS), rule("mobilephone*", ADDRESS),
    rule("homephone*", ADDRESS), rule("workphone*", ADDRESS), rule("officephone*", ADDRESS),
    rule("contactphone*", ADDRESS), rule("telephone*", ADDRESS), rule("*_telephone", ADDRESS),
    rule("telefon*", ADDRESS), rule("*telefon", ADDRESS), rule("*telefono", ADDRESS),
    rule("*telefonnummer*", ADDRESS), rule("celular*", ADDRESS), rule("movil", ADDRESS), rule("handynummer", ADDRESS),
    rule("rufnummer", ADDRESS), rule("tel", ADDRESS), rule("telf", ADDRESS), rule("tlf", ADDRESS),
    rule("*_tel", ADDRESS), rule("tel_*", ADDRESS), rule("whatsapp*", ADDRESS), rule("mobile", ADDRESS),
    rule("mobile_number", ADDRESS), rule("mobile_no", ADDRESS), rule("contact_no", ADDRESS), rule("cell_no", ADDRESS),
    rule("sms", ADDRESS), rule("telegram", ADDRESS), rule("viber", ADDRESS), rule("skype*", ADDRESS),
    rule("contact_signal", ADDRESS), rule("cell", ADDRESS), rule("cell_number", ADDRESS), rule("fax", ADDRESS),
    rule("fax_*", ADDRESS), rule("*_fax", ADDRESS), rule("mailto", ADDRESS), rule("address", ADDRESS),
    rule("home_addr*", ADDRESS), rule("homeaddress", ADDRESS), rule("streetaddress", STREET),
    rule("postaladdress", ADDRESS), rule("mailingaddress", ADDRESS),
    rule("street_address", STREET),
    rule("postal_address", ADDRESS), rule("mailing_address", ADDRESS), rule("billing_address", ADDRESS),
    rule("mail_address", ADDRESS), rule("mailaddress", ADDRESS), rule("residential_address", ADDRESS),
    rule("contact_address*", ADDRESS), rule("artist_address*", ADDRESS), rule("owner_address*", ADDRESS),
    rule("donor_address*", ADDRESS), rule("address_line*", "as street_address"),
    rule("artist's_address*", ADDRESS), rule("artist’s_address*", ADDRESS), rule("*_home_address", ADDRESS),
    rule("telno", ADDRESS), rule("mobileno", ADDRESS), rule("mobilenumber", ADDRESS), rule("cellno", ADDRESS),
    rule("faxno", ADDRESS), rule("contactno", ADDRESS), rule("*_contact", ADDRESS), rule("contact_mobile", ADDRESS),
    rule("contact", ADDRESS), rule("contacts", ADDRESS), rule("contact_name", ADDRESS), rule("contact_info*", ADDRESS),
    rule("*_contact_info*", ADDRESS),
    rule("contact_person*", ADDRESS), rule("contact_number*", ADDRESS), rule("contact_detail*", ADDRESS),
    // The same in other languages; whole words, for a telephone box is art there too.
    rule("*_telefonu", ADDRESS), rule("telefoon", ADDRESS), rule("telefoonnummer", ADDRESS), rule("cellulare", ADDRESS),
    rule("puhelin", ADDRESS), rule("puhelinnumero", ADDRESS), rule("mobilnummer", ADDRESS), rule("handy", ADDRESS),
    rule("handynr", ADDRESS), rule("handy_nr", ADDRESS), rule("handy_nummer", ADDRESS), rule("festnetz*", ADDRESS),
    rule("mobilfunk*", ADDRESS), rule("durchwahl", ADDRESS), rule("telefax*", ADDRESS), rule("telecopie", ADDRESS),
    rule("landline*", ADDRESS), rule("kontakt", ADDRESS), rule("kontaktperson", ADDRESS), rule("kontaktdaten", ADDRESS),
    rule("ansprechpartner*", ADDRESS), rule("ansprechperson", ADDRESS), rule("persona_de_contacto", ADDRESS),
    rule("datos_de_contacto", ADDRESS), rule("personne_a_contacter", ADDRESS), rule("contacto", ADDRESS),
    rule("contato", ADDRESS), rule("телефон", ADDRESS), rule("*_телефон", ADDRESS), rule("номер_телефона", ADDRESS),
    rule("τηλεφωνο", ADDRESS), rule("電話", ADDRESS),
    rule("*電話番号", ADDRESS), rule("携帯", ADDRESS), rule("携帯電話", ADDRESS), rule("携帯番号", ADDRESS),
    rule("*連絡先", ADDRESS), rule("*問い合わせ先", ADDRESS), rule("fax番号", ADDRESS),
    rule("聯絡電話", ADDRESS), rule("电话", ADDRESS), rule("电话号码", ADDRESS),
    rule("联系电话", ADDRESS), rule("手机*", ADDRESS), rule("전화", ADDRESS), rule("전화번호", ADDRESS),
    rule("연락처", ADDRESS), rule("휴대폰*", ADDRESS), rule("휴대전화", ADDRESS), rule("핸드폰*", ADDRESS),
    rule("هاتف", ADDRESS), rule("الهاتف", ADDRESS), rule("رقم_هاتف", ADDRESS), rule("رقم_الهاتف", ADDRESS),
    rule("جوال", ADDRESS), rule("الجوال", ADDRESS), rule("رقم_الجوال", ADDRESS), rule("موبايل", ADDRESS),
    rule("رقم_الموبايل", ADDRESS), rule("تلفون", ADDRESS), rule("رقم_التلفون", ADDRESS), rule("فاكس", ADDRESS),
    rule("واتساب", ADDRESS), rule("טלפון", ADDRESS), rule("מספר_טלפון", ADDRESS),
    rule("first_name", PERSON), rule("last_name", PERSON), rule("full_name", PERSON), rule("firstname", PERSON),
    rule("lastname", PERSON), rule("fullname", PERSON), rule("clerk_id", PERSON), rule("ssn", PERSON),
    rule("personal_data", PERSON), rule("personal_info*", PERSON),
    rule("birth_date", BIRTH), rule("birthdate", BIRTH), rule("birthday", BIRTH), rule("date_of_birth", BIRTH),
    rule("dateofbirth", BIRTH), rule("dob", BIRTH),
    rule("password*", SECRET), rule("*_password", SECRET), rule("passwd", SECRET), rule("pwd", SECRET),
    rule("passphrase", SECRET), rule("credentials", SECRET), rule("jwt", SECRET), rule("private_key", SECRET),
    rule("*secret*", SECRET),
    rule("*token", SECRET), rule("token_*", SECRET), rule("*_tokens", SECRET),
    rule("*api_key", SECRET), rule("*apikey", SECRET), rule("session*", SECRET), rule("cookie*", SECRET),
    rule("*_hash", SECRET), rule("uuid", PERSON), rule("*_uuid", PERSON), rule("user", PERSON),
    rule("users", PERSON), rule("user_*", PERSON), rule("*_user", PERSON), rule("*_user_id", PERSON),
    rule("username", PERSON), rule("uid", PERSON), rule("userid", PERSON), rule("profile_name", PERSON),
    rule("*submitter*", PERSON), rule("submitted_by*", PERSON), rule("submittedby", PERSON),
    rule("created_by*", "here the id of whoever brought the row in; who made a work stands in artists or creator"),
    rule("createdby", "as created_by"),
    rule("uploaded_by*", EDITOR), rule("uploader", EDITOR), rule("uploader_*", EDITOR), rule("contributor_name", EDITOR),
    rule("contributor_id", EDITOR), rule("updated_by*", EDITOR), rule("edited_by*", EDITOR),
    rule("last_edited_by*", EDITOR), rule("modified_by*", EDITOR), rule("last_modified_by*", EDITOR),
    rule("last_updated_by*", EDITOR), rule("lastupdatedby", EDITOR),
    rule("changed_by*", EDITOR), rule("added_by*", EDITOR), rule("entered_by*", EDITOR), rule("imported_by*", EDITOR),
    rule("recorded_by*", EDITOR), rule("surveyed_by*", EDITOR), rule("verified_by*", EDITOR),
    rule("deleted_by*", EDITOR), rule("reported_by*", EDITOR), rule("updatedby", EDITOR), rule("editedby", EDITOR),
    rule("modifiedby", EDITOR), rule("uploadedby", EDITOR), rule("editor", EDITOR), rule("editors", EDITOR),
    rule("last_editor", EDITOR), rule("editor_*", EDITOR),
    rule("changeset", "leads to the account that made it"),
    rule("moderator*", MODERATION), rule("moderation*", MODERATION), rule("moderated_by*", MODERATION),
    rule("reviewer*", MODERATION), rule("reviewed_by*", MODERATION), rule("review_note*", MODERATION),
    rule("granted_by*", MODERATION), rule("revoked_by*", MODERATION), rule("internal_flag*", MODERATION),
    rule("approved_by*", MODERATION), rule("rejected_by*", MODERATION), rule("rejection_*", MODERATION),
    rule("internal_note*", MODERATION), rule("internal_comment*", MODERATION), rule("staff_note*", MODERATION),
    rule("private_note*", MODERATION), rule("admin_*", MODERATION), rule("internal_remark*", MODERATION),
    rule("private_comment*", MODERATION), rule("private_remark*", MODERATION), rule("staff_comment*", MODERATION),
    rule("staff_remark*", MODERATION), rule("confidential*", MODERATION),
    rule("original_filename*", FILE), rule("original_file_name*", FILE), rule("submission_id", WORK),
    rule("created_from_artwork", WORK), rule("artist_ids", ARTISTS), rule("source_data", RECORD),
    rule("import_batch*", IMPORT), rule("plugin*", IMPORT),
];

/// More names that never leave from a tag, beside those with a pattern of their own.
pub static IMPORT_NAMES: [&str; 3] = ["import_plugin", "auto_created", "batch_id"];

const MAKER: &str = "who made a work, or had it made, is what is to be known of it";
const KEEPER: &str = "whose a work is and who looks after it is part of its record";
const SUBJECT: &str = "what a work shows or is made of";
const OFFICE: &str = "an office, which a work may show or honour";
const NO_SECRET: &str = "of a picture or a place, no secret's";

/// Names that leave though a pattern takes them, one of these or the `*_by` under which identifiers are hunted.
#[rustfmt::skip]
pub static PUBLIC: &[Rule] = &[
    rule("painted_by", MAKER), rule("designed_by", MAKER), rule("made_by", MAKER), rule("built_by", MAKER),
    rule("carved_by", MAKER), rule("sculpted_by", MAKER), rule("cast_by", MAKER), rule("fabricated_by", MAKER),
    rule("photographed_by", MAKER), rule("inspired_by", MAKER), rule("restored_by", MAKER),
    rule("commissioned_by", MAKER), rule("curated_by", MAKER), rule("unveiled_by", MAKER), rule("dedicated_by", MAKER),
    rule("donated_by", KEEPER), rule("sponsored_by", KEEPER), rule("funded_by", KEEPER), rule("owned_by", KEEPER),
    rule("maintained_by", KEEPER),
    rule("phone_box", SUBJECT), rule("phone_booth", SUBJECT), rule("telephone_box", SUBJECT),
    rule("telephone_booth", SUBJECT), rule("telephone_kiosk", SUBJECT), rule("secret_garden", SUBJECT),
    rule("tel_aviv", "a city"),
    rule("secretary", OFFICE), rule("secretary_general", OFFICE), rule("secretaria", OFFICE), rule("secretariat", OFFICE),
    rule("cookie_cutter", SUBJECT),
    rule("admin_level", "OpenStreetMap's rank of a boundary"),
    rule("geo_hash", NO_SECRET), rule("image_hash", NO_SECRET), rule("photo_hash", NO_SECRET),
    rule("file_hash", NO_SECRET),
];

/// Colons and signs of equality in a name beyond which nobody looks through its parts: somebody wrote a million.
const MAX_PARTS: usize = 32;
/// Stands for the rule that keeps such a name in.
const ENDLESS: &str = "*:*";

/// The rule that keeps a name in, if there is one.
pub fn rule_for(name: &str) -> Option<&'static str> {
    if is_endless(name) {
        return Some(ENDLESS);
    }
    looked_up(name).find_map(|form| {
        let rule = BLACKLIST.iter().find(|rule| matches(rule.pattern, &form));
        rule.map(|rule| rule.pattern).or_else(|| IMPORT_NAMES.into_iter().find(|known| *known == form))
    })
}

/// The rule that keeps in a label without a value, if there is one. Most labels are content: see [`names_in_label`].
pub fn rule_for_label(label: &str) -> Option<&'static str> {
    if is_endless(label) {
        return Some(ENDLESS);
    }
    names_in_label(label).find_map(rule_for)
}

/// Whether a name leaves whatever pattern takes it with those that it stands in.
pub fn is_public_name(name: &str) -> bool {
    forms(name).any(|form| is_public(&form))
}

/// The forms under which a name is looked up here: of several telephones each has a number in tables.
fn looked_up(name: &str) -> impl Iterator<Item = String> {
    let numbered = |form: String| {
        let plain = form.trim_end_matches(is_number);
        let plain = (plain.len() < form.len() && !plain.is_empty()).then(|| plain.to_owned());
        [Some(form), plain].into_iter().flatten()
    };
    forms(name).flat_map(numbered).filter(|form| !is_public(form))
}

/// Whether a character may be of the number behind a name.
fn is_number(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

fn is_endless(name: &str) -> bool {
    name.chars().filter(|c| is_sign(*c)).nth(MAX_PARTS).is_some()
}

/// Whether a name in its normal form, or without the number behind it, leaves whatever pattern takes it; also where its
/// words stand together.
fn is_public(form: &str) -> bool {
    let plain = form.trim_end_matches(is_number);
    PUBLIC.iter().any(|rule| [form, plain].into_iter().any(|name| letters(name).eq(letters(rule.pattern))))
}

/// A name in its normal form without what parts its words.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| *byte != b'_')
}

/// Whether what stands under that name tells who or where a person is, or lets somebody in.
pub fn identifies(name: &str) -> bool {
    const OF_ROWS: [&str; 6] = [INTERNAL, IMPORT, WORK, ARTISTS, RECORD, FILE];
    let names_somebody = |rule: &&Rule| !OF_ROWS.contains(&rule.reason);
    let is_taken = |form: String| {
        let mut rules = BLACKLIST.iter().filter(names_somebody);
        rules.any(|rule| matches(rule.pattern, &form))
    };
    is_endless(name) || looked_up(name).any(is_taken)
}

#[cfg(test)]
mod tests;
