//! Origins: which address belongs to the connection, and where its requests are really sent.

use http::HeaderValue;
use lakeflow_interface::{Error, ErrorKind, Result};
use url::{Host, Url};

use crate::RedactedUrl;
use crate::request::header_value;

/// The connection's origin, and the upstream that stands in for it.
pub(crate) struct Origin {
    base: Url,
    upstream: Option<Url>,
}

impl Origin {
    pub(crate) fn new(base: Url, upstream: Option<Url>) -> Result<Self> {
        for (name, url) in [("base_url", Some(&base)), ("upstream", upstream.as_ref())] {
            if let Some(url) = url {
                check(name, url)?;
            }
        }
        Ok(Self { base, upstream })
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether an address belongs to the connection.
    pub(crate) fn contains(&self, url: &Url) -> bool {
        same_origin(url, &self.base)
    }

    /// A link that the source gave, at the connection's own origin; a link to another origin is an error.
    pub(crate) fn check_link(&self, link: &Url) -> Result<Url> {
        let from_upstream = self.upstream.as_ref().is_some_and(|upstream| same_origin(link, upstream));
        if !from_upstream && !self.contains(link) {
            return Err(foreign("link", link, &self.base));
        }
        let mut url = if from_upstream { moved(link, &self.base)? } else { link.clone() };
        url.set_fragment(None);
        Ok(url)
    }

    /// An address that receives no credentials: not within the machine's own network, unless the source is there too.
    pub(crate) fn check_elsewhere(&self, link: &Url) -> Result<()> {
        let is_plain = matches!(link.scheme(), "http" | "https") && link.username().is_empty();
        if is_plain && (!is_inner(link) || is_inner(&self.base) || self.upstream.is_some()) {
            return Ok(());
        }
        let found = link.origin().ascii_serialization();
        Err(Error::new(ErrorKind::BadResponse, format!("expected a link to a public address, found one to `{found}`")))
    }

    /// Where a request to this address is really sent, and the original authority if that is elsewhere.
    pub(crate) fn wire(&self, url: &Url) -> Result<(Url, Option<HeaderValue>)> {
        match &self.upstream {
            None => Ok((url.clone(), None)),
            Some(upstream) => Ok((moved(url, upstream)?, Some(header_value("x-forwarded-host", &authority(url))?))),
        }
    }
}

/// Whether two addresses share scheme, host and port.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

/// The error for an address that is not at the connection's origin.
pub(crate) fn foreign(what: &str, url: &Url, base: &Url) -> Error {
    let found = url.origin().ascii_serialization();
    let expected = base.origin().ascii_serialization();
    let message = format!("expected {what} at `{expected}`, found one at `{found}`");
    Error::new(ErrorKind::BadResponse, message).with_hint(format!(
        "credentials are sent only to `{expected}`; if the source has moved to `{found}`, say so in the connection's \
         address"
    ))
}

/// Whether an address is one of this machine, of its network, or of the service that tells a machine about itself.
fn is_inner(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => {
            address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()
        }
        Some(Host::Ipv6(address)) => {
            let is_mapped = address.to_ipv4_mapped().is_some();
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || is_mapped
        }
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost") || name.ends_with(".internal"),
        None => true,
    }
}

/// Whether an address is that of the service that tells a machine about itself: it hands out credentials.
fn is_metadata_service(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_unicast_link_local()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_link_local())
                || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
        Some(Host::Domain(name)) => matches!(name.trim_end_matches('.'), "metadata.google.internal" | "metadata"),
        None => false,
    }
}

fn check(name: &str, url: &Url) -> Result<()> {
    let shown = RedactedUrl::new(url);
    let wrong = if is_metadata_service(url) {
        "expected the address of an API, not of this machine's metadata service"
    } else if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        "expected an address that begins with `https://` or `http://`"
    } else if !url.username().is_empty() || url.password().is_some() {
        "expected an address without user and password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "expected an address without `?` and `#`"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Configuration, format!("{wrong}, found `{shown}` as `{name}`")))
}

/// The address with the scheme, host and port of another.
fn moved(url: &Url, target: &Url) -> Result<Url> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let text = format!("{}{}{query}", target.origin().ascii_serialization(), url.path());
    Url::parse(&text)
        .map_err(|error| Error::new(ErrorKind::Internal, "an address could not be moved").with_cause(error))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn link_to_upstream_is_moved_to_the_base() {
        let origin = Origin::new(url("https://api.example/v1"), Some(url("http://127.0.0.1:9/"))).unwrap();
        let expected = "https://api.example/v1/x?page=2";
        for link in ["http://127.0.0.1:9/v1/x?page=2", "https://api.example/v1/x?page=2#top"] {
            assert_eq!(origin.check_link(&url(link)).unwrap().as_str(), expected);
        }
        let (wire, forwarded) = origin.wire(&url(expected)).unwrap();
        assert_eq!(wire.as_str(), "http://127.0.0.1:9/v1/x?page=2");
        assert_eq!(forwarded.unwrap(), "api.example");
    }

    #[test]
    fn link_to_another_origin_names_both() {
        let origin = Origin::new(url("https://api.example"), None).unwrap();
        let error = origin.check_link(&url("https://evil.example/x?token=geheim")).unwrap_err();
        assert_eq!(error.message(), "expected link at `https://api.example`, found one at `https://evil.example`");
    }

    #[test]
    fn address_with_credentials_is_refused_without_showing_them() {
        let error = Origin::new(url("https://u:geheim@api.example"), None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("geheim"));
    }
}
