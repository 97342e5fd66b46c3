//! Why a server's certificate is not taken, in words that say what to do. That does not pass, however often one asks.

use std::error::Error;

use rustls::CertificateError;

use super::causes;

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Its time is over or has not come.
    #[error("its certificate has expired or is not valid yet; renew it, or set the clock of this machine")]
    Expired,
    /// It was given to somebody else.
    #[error("its certificate is that of another host; check the address")]
    OtherHost,
    /// No authority that browsers trust stands behind it.
    #[error(
        "its certificate is signed by no public authority; give it one that is, or check that nothing stands in between"
    )]
    Unsigned,
}

impl Distrust {
    /// The reason behind a failure, if it is one of these.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| match cause.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(problem)) => Some(Distrust::of(problem)),
            _ => None,
        })
    }

    fn of(problem: &CertificateError) -> Self {
        use CertificateError as Problem;
        match problem {
            Problem::Expired
            | Problem::ExpiredContext { .. }
            | Problem::NotValidYet
            | Problem::NotValidYetContext { .. } => Distrust::Expired,
            Problem::NotValidForName | Problem::NotValidForNameContext { .. } => Distrust::OtherHost,
            _ => Distrust::Unsigned,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_found_behind_other_errors() {
        for (problem, why) in [
            (CertificateError::Expired, Distrust::Expired),
            (CertificateError::NotValidYet, Distrust::Expired),
            (CertificateError::NotValidForName, Distrust::OtherHost),
            (CertificateError::UnknownIssuer, Distrust::Unsigned),
        ] {
            let error =
                io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(problem));
            assert_eq!(Distrust::behind(&io::Error::other(error)), Some(why));
        }
        assert_eq!(Distrust::behind(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
    }
}
