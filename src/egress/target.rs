//! Where a call goes: an address as an operator wrote it, once it is known to be one.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

/// The most bytes of a target.
pub const TARGET_BYTES: usize = 2_000;

/// An absolute URL of http or https without a user name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Uri);

/// Text that is no [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// It is no URL, or too long for one.
    #[error("it is not a URL of at most {TARGET_BYTES} bytes")]
    Form,
    /// It is a URL of something else.
    #[error("it does not begin with `https://` or `http://`")]
    Scheme,
    /// Secrets do not belong into a URL: it is shown in lists and logs.
    #[error(
        "it has a user name or a password in it; whoever receives notices checks their signature"
    )]
    User,
}

impl Target {
    /// Reads a target.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        if text.len() > TARGET_BYTES {
            return Err(BadTarget::Form);
        }
        let uri: Uri = text.parse().map_err(|_| BadTarget::Form)?;
        if uri.scheme() != Some(&Scheme::HTTPS) && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(BadTarget::Scheme);
        }
        let authority = uri.authority().ok_or(BadTarget::Form)?;
        if authority.as_str().contains('@') {
            return Err(BadTarget::User);
        }
        if authority.host().is_empty() || authority.port_u16() == Some(0) {
            return Err(BadTarget::Form);
        }
        Ok(Self(uri))
    }

    /// It in full.
    pub const fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it is called without TLS.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTP)
    }

    /// The address, where the URL names one instead of a host.
    pub fn address(&self) -> Option<IpAddr> {
        let host = self.0.host()?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.unwrap_or(host).parse().ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_whole_url_without_a_user() {
        for text in ["https://hooks.example/a?b=c", "http://10.0.0.1:8080/", "https://[::1]:1/"] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        for (text, bad) in [
            ("", BadTarget::Form),
            ("https://", BadTarget::Form),
            ("https://a b/", BadTarget::Form),
            ("https://a:0/", BadTarget::Form),
            ("/hooks", BadTarget::Scheme),
            ("hooks.example", BadTarget::Scheme),
            ("ftp://hooks.example/", BadTarget::Scheme),
            ("file:///etc/passwd", BadTarget::Form),
            ("https://u:p@hooks.example/", BadTarget::User),
            ("https://hooks.example@127.0.0.1/", BadTarget::User),
        ] {
            assert_eq!(Target::parse(text), Err(bad), "{text}");
        }
        assert_eq!(
            Target::parse(&format!("https://a/{}", "x".repeat(2_000))),
            Err(BadTarget::Form)
        );
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        let address = |text| Target::parse(text).unwrap().address();
        assert_eq!(address("https://[::ffff:127.0.0.1]/"), "::ffff:127.0.0.1".parse().ok());
        assert_eq!(address("http://127.0.0.1:80/"), "127.0.0.1".parse().ok());
        // The system's resolver may read these as addresses: then what it answers is judged.
        for name in ["https://a.example/", "https://2130706433/", "https://0x7f.1/"] {
            assert_eq!(address(name), None);
        }
    }
}
