use super::*;

const SPENT: &str = "D1_ERROR: Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid \
                     plan or wait until tomorrow (midnight UTC) to continue.";

fn refused(status: u16, code: i64, message: &str) -> Setback {
    let errors = vec![EnvelopeError { code, message: message.into() }];
    Setback::from(&EnvelopeStatus { success: false, errors }.into_error(status, None))
}

#[test]
fn only_what_may_pass_is_asked_for_again() {
    assert_eq!(refused(429, 971, ""), Setback::Busy(None));
    assert_eq!(refused(200, 7500, "D1_ERROR: Network connection lost."), Setback::Busy(None));
    assert_eq!(refused(500, 7500, "internal error; reference = e_1"), Setback::Busy(None));
    assert_eq!(refused(502, 0, ""), Setback::Busy(None));
    assert_eq!(refused(500, 7500, "no such table: x: SQLITE_ERROR"), Setback::Final);
    assert_eq!(refused(403, 10000, "Authentication error"), Setback::Final);
    for status in [200, 400, 403, 429, 503] {
        assert_eq!(refused(status, 7500, SPENT), Setback::Final);
    }
    assert_eq!(Setback::from(&ApiError::Network(Failure::Timeout)), Setback::Silent);
}

#[test]
fn a_token_that_was_not_copied_whole_is_told_as_one() {
    let errors = vec![EnvelopeError { code: 6003, message: "Invalid request headers".into() }];
    let error = EnvelopeStatus { success: false, errors }.into_error(400, None);
    let told = trouble::refused("the database".into(), "D1: Read", error);
    assert_eq!(told.code(), "SOURCE_REFUSED");
    assert!(told.to_string().contains("check that the API token is whole"), "{told}");
}

#[test]
fn a_page_in_the_place_of_an_answer_says_nothing_of_ids_or_of_the_token() {
    for (status, code, word) in
        [(302, 0, "apiUrl"), (403, 0, "a firewall"), (404, 0, "apiUrl"), (404, 7003, "check the ids")]
    {
        let error = ApiError::Refused { status, code, hint: Hint::None, retry_after: None };
        let told = trouble::refused("the database".into(), "D1: Read", error);
        assert_eq!(told.code(), "SOURCE_UNREACHABLE");
        assert!(told.to_string().contains(word), "{told}");
    }
}

#[test]
fn nothing_shows_the_token() {
    let access = Access { api: API.into(), account_id: "a".into(), token: Secret::from("hidden".to_owned()) };
    assert!(!format!("{access:?}").contains("hidden"));
}
