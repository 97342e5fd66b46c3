//! Whether a store is worth asking: what ends an outage in one clear way instead of ten thousand slow failures.

use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::photos::source::{CLOCK_WRONG, GetError, PhotoStore, has_dot_segment, turned_away};

/// The store is down when it failed this many photos in a row, each after all its attempts.
const MAX_OUTAGES: u32 = 3;
/// The store does not let us in when it refused this many photos in a row, or redirected them, and gave none before.
const MAX_REFUSALS: u32 = 10;

/// How the photos of one store went so far.
#[derive(Debug)]
pub(super) struct Health {
    place: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// It answered for at least one photo.
    answered: bool,
    given_up: u32,
    turned_away: u32,
    outage: Option<GetError>,
}

impl Health {
    /// That of a store which was not asked yet.
    pub(super) fn of(source: &dyn PhotoStore) -> Self {
        Health { place: source.place(), state: Mutex::default() }
    }

    /// The store has answered for a photo elsewhere: what it refuses from now on says nothing of us.
    pub(super) fn answered(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).answered = true;
    }

    /// Why nothing is asked of the store any more.
    pub(super) fn outage(&self) -> Option<GetError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).outage
    }

    /// Counts how a photo went. Fails when the store never gave one and is down, or refuses us.
    pub(super) fn tell(&self, key: &str, error: Option<GetError>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = error.filter(|_| !state.answered).and_then(|error| self.hopeless(error)) {
            return Err(error);
        }
        match error {
            Some(error) if error.is_outage() => {
                state.given_up += 1;
                if state.given_up >= MAX_OUTAGES {
                    state.outage = Some(error);
                }
            }
            // The store was not even asked.
            Some(GetError::Unaddressable) => {}
            // Servers refuse `..` for its own sake, which says nothing of the credentials.
            Some(GetError::Refused) if has_dot_segment(key) => {}
            Some(error) if error.turns_away() => {
                state.turned_away += 1;
                state.given_up = 0;
            }
            _ => *state = State { answered: true, outage: state.outage, ..State::default() },
        }
        if state.answered {
            return Ok(());
        }
        match (state.outage, error) {
            (Some(error), _) => Err(Error::SourceUnreachable {
                what: self.place.clone(),
                problem: "it gave no photo at all, however often it was asked; try again later".into(),
                source: Some(Box::new(error)),
            }),
            (None, Some(error)) if state.turned_away >= MAX_REFUSALS => {
                Err(turned_away(self.place.clone(), error))
            }
            _ => Ok(()),
        }
    }

    /// What would go no better with any other photo, as an error of the store.
    fn hopeless(&self, error: GetError) -> Option<Error> {
        let problem = match error {
            GetError::Forbidden => {
                "the name of its host leads to a private address; if that is meant, give the address itself"
                    .into()
            }
            GetError::ClockWrong => CLOCK_WRONG.into(),
            GetError::Untrusted(why) => why.to_string(),
            _ => return None,
        };
        let (what, source) = (self.place.clone(), Some(Box::new(error) as _));
        Some(match error {
            GetError::Untrusted(_) => Error::SourceUnreachable { what, problem, source },
            _ => Error::SourceRefused { what, problem, source },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health { place: "the bucket".into(), state: Mutex::default() }
    }

    #[test]
    fn a_store_that_never_answers_is_an_error_soon() {
        let health = health();
        assert!(health.tell("a.jpg", Some(GetError::Timeout)).is_ok());
        assert!(health.tell("a.jpg", Some(GetError::Unreachable)).is_ok());
        let error = health.tell("a.jpg", Some(GetError::Timeout));
        assert_eq!(error.map_err(|e| e.code()), Err("SOURCE_UNREACHABLE"));
    }

    #[test]
    fn an_outage_ends_the_asking_and_single_failures_do_not() {
        let health = health();
        for _ in 0..100 {
            assert!(health.tell("a.jpg", Some(GetError::Timeout)).is_ok());
            assert!(health.tell("a.jpg", Some(GetError::Timeout)).is_ok());
            assert!(health.tell("a.jpg", None).is_ok());
        }
        assert_eq!(health.outage(), None);
        for _ in 0..3 {
            assert!(health.tell("a.jpg", Some(GetError::Unreachable)).is_ok());
        }
        assert_eq!(health.outage(), Some(GetError::Unreachable));
    }

    #[test]
    fn a_store_that_turns_every_photo_away_turns_us_away() {
        for (error, code) in
            [(GetError::Refused, "SOURCE_REFUSED"), (GetError::LedAway, "SOURCE_UNREACHABLE")]
        {
            let health = health();
            let mut told = (0..10).map(|_| health.tell("a.jpg", Some(error)));
            assert_eq!(told.by_ref().take(9).filter(Result::is_ok).count(), 9);
            assert_eq!(told.next().map(|r| r.map_err(|e| e.code())), Some(Err(code)));
        }
    }

    #[test]
    fn a_store_that_gave_a_photo_may_turn_others_away() {
        let health = health();
        assert!(health.tell("a.jpg", None).is_ok());
        assert!((0..100).all(|_| health.tell("b.jpg", Some(GetError::LedAway)).is_ok()));
    }

    #[test]
    fn a_store_that_answered_elsewhere_may_turn_all_away() {
        let health = health();
        health.answered();
        assert!((0..100).all(|_| health.tell("a.jpg", Some(GetError::Refused)).is_ok()));
    }

    #[test]
    fn refused_dot_segments_say_nothing_of_the_credentials() {
        let health = health();
        assert!((0..100).all(|_| health.tell("x/../y", Some(GetError::Refused)).is_ok()));
    }

    #[test]
    fn a_photo_that_was_not_asked_for_is_no_answer() {
        let health = health();
        assert!(health.tell("x/../y", Some(GetError::Unaddressable)).is_ok());
        let told: Vec<_> = (0..10).map(|_| health.tell("a.jpg", Some(GetError::Refused))).collect();
        assert_eq!(told.last().map(|r| r.as_ref().map_err(|e| e.code())), Some(Err("SOURCE_REFUSED")));
    }

    #[test]
    fn a_wrong_clock_is_told_at_once_and_not_as_a_matter_of_credentials() {
        let error = health().tell("a.jpg", Some(GetError::ClockWrong));
        let said = error.map_err(|e| (e.code(), e.to_string()));
        let words = "the bucket refuses access: the clock of this machine is wrong; set it".to_owned();
        assert_eq!(said, Err(("SOURCE_REFUSED", words)));
    }

    #[test]
    fn a_private_host_is_refused_at_once() {
        let error = health().tell("a.jpg", Some(GetError::Forbidden));
        assert_eq!(error.map_err(|e| e.code()), Err("SOURCE_REFUSED"));
    }
}
