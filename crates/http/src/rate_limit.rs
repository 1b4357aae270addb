//! How a source limits the rate of requests, and what its responses say about it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// How a source limits the rate of requests.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// The header with the number of requests per window.
    pub limit_header: Option<String>,
    /// The header with the number of requests that are left in this window.
    pub remaining_header: Option<String>,
    /// The header with both, as `32/40`: the number of requests that were used, and the number per window.
    pub used_of_limit_header: Option<String>,
    /// The header that says when the window ends; where there is none, what is left is for the length of `default_pause`.
    pub reset_header: Option<String>,
    /// How that header is written.
    pub reset_format: ResetFormat,
    /// Which responses mean that the limit was reached.
    pub rules: Vec<LimitRule>,
    /// The pause after such a response that does not say how long; it doubles with each, up to a minute or itself.
    pub default_pause: Duration,
    /// The share of the window's requests at which the rest is spread evenly over the time until it ends.
    pub spread_below: f64,
    /// A pace that is kept from the first request on, for sources that announce nothing.
    pub pace: Option<Pace>,
    /// The longest that one request waits for the limit in all before it fails.
    pub patience: Duration,
}

impl Default for RateLimit {
    fn default() -> Self {
        let rule = |status, when| LimitRule { status, when };
        Self {
            limit_header: None,
            remaining_header: None,
            used_of_limit_header: None,
            reset_header: None,
            reset_format: ResetFormat::default(),
            rules: vec![
                rule(429, LimitCondition::Always),
                rule(403, LimitCondition::RetryAfter),
                rule(403, LimitCondition::NoneRemaining),
                rule(403, LimitCondition::Message("rate limit".to_owned())),
            ],
            default_pause: Duration::from_secs(1),
            spread_below: 0.1,
            pace: None,
            patience: Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// A response that means that the limit was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRule {
    /// The status.
    pub status: u16,
    /// What must be true beside it.
    pub when: LimitCondition,
}

/// What tells a rate limit from another refusal of the same status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitCondition {
    /// Nothing: the status is enough.
    Always,
    /// The response has `Retry-After`.
    RetryAfter,
    /// The response says that no requests are left.
    NoneRemaining,
    /// The body contains this text, in any case.
    Message(String),
}

/// A number of requests per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many requests.
    pub requests: u32,
    /// In how long.
    pub period: Duration,
}

/// How the reset header is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetFormat {
    /// Seconds since 1970.
    #[default]
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// A date and time as in RFC 3339.
    Rfc3339,
    /// A date and time as in HTTP's own headers.
    HttpDate,
}

/// What one response says about the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Notice {
    /// Requests per window.
    pub(crate) limit: Option<u64>,
    /// Requests left in this window.
    pub(crate) remaining: Option<u64>,
    /// Time until the window ends.
    pub(crate) reset: Option<Duration>,
    /// Time to wait before the next request.
    pub(crate) retry_after: Option<Duration>,
}

impl RateLimit {
    /// Reads what a response says about the limit. Instants are taken relative to the response's own `Date`, so that
    /// neither clock needs to be right.
    pub(crate) fn notice(&self, headers: &HeaderMap) -> Notice {
        let number = |name: &Option<String>| -> Option<u64> {
            let text = headers.get(name.as_deref()?)?.to_str().ok()?;
            text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0).map(|number| number as u64)
        };
        let now = server_now(headers);
        let reset = self.reset_header.as_deref().and_then(|name| headers.get(name)?.to_str().ok());
        let used_of_limit = self.used_of_limit_header.as_deref().and_then(|name| headers.get(name)?.to_str().ok());
        let both = used_of_limit.and_then(|text| {
            let (used, limit) = text.split_once('/')?;
            Some((used.trim().parse::<u64>().ok()?, limit.trim().parse::<u64>().ok()?))
        });
        Notice {
            limit: number(&self.limit_header).or(both.map(|(_, limit)| limit)),
            remaining: number(&self.remaining_header).or(both.map(|(used, limit)| limit.saturating_sub(used))),
            reset: reset.and_then(|text| self.reset_format.until(text.trim(), now)),
            retry_after: retry_after(headers, now),
        }
    }

    /// Whether a response means that the limit was reached.
    pub(crate) fn is_reached(&self, status: u16, notice: &Notice, body: &[u8]) -> bool {
        self.rules.iter().filter(|rule| rule.status == status).any(|rule| match &rule.when {
            LimitCondition::Always => true,
            LimitCondition::RetryAfter => notice.retry_after.is_some(),
            LimitCondition::NoneRemaining => notice.remaining == Some(0),
            LimitCondition::Message(text) => {
                let shown = String::from_utf8_lossy(&body[..body.len().min(16 << 10)]).to_lowercase();
                shown.contains(&text.to_lowercase())
            }
        })
    }
}

impl ResetFormat {
    /// The time from now until the instant that the header names; none left for one in the past.
    fn until(self, text: &str, now: DateTime<Utc>) -> Option<Duration> {
        let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
        let from_epoch = |seconds: f64| seconds - now.timestamp_millis() as f64 / 1000.0;
        let seconds = match self {
            Self::EpochSeconds => from_epoch(number()?),
            Self::EpochMilliseconds => from_epoch(number()? / 1000.0),
            Self::Seconds => number()?,
            Self::Milliseconds => number()? / 1000.0,
            Self::Rfc3339 => return Some(time_until(DateTime::parse_from_rfc3339(text).ok()?.to_utc(), now)),
            Self::HttpDate => return Some(time_until(http_date(text)?, now)),
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).ok()
    }
}

fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).ok(),
        Err(_) => Some(time_until(http_date(text)?, now)),
    }
}

fn server_now(headers: &HeaderMap) -> DateTime<Utc> {
    let date = headers.get(DATE).and_then(|value| http_date(value.to_str().ok()?));
    date.unwrap_or_else(Utc::now)
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

fn time_until(instant: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (instant - now).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_date_relative_to_the_server() {
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        for (value, expected) in
            [("120", 120), ("Wed, 21 Oct 2015 07:29:30 GMT", 90), ("Wed, 21 Oct 2015 07:00:00 GMT", 0)]
        {
            let notice = RateLimit::default().notice(&headers(&[date, ("retry-after", value)]));
            assert_eq!(notice.retry_after, Some(Duration::from_secs(expected)), "{value}");
        }
        assert_eq!(RateLimit::default().notice(&headers(&[("retry-after", "soon")])).retry_after, None);
    }

    #[test]
    fn used_of_limit_tells_what_is_left() {
        let settings = RateLimit { used_of_limit_header: Some("x-calls".into()), ..RateLimit::default() };
        let told = |value| {
            let notice = settings.notice(&headers(&[("x-calls", value)]));
            (notice.limit, notice.remaining)
        };
        assert_eq!(told("32/40"), (Some(40), Some(8)));
        assert_eq!(told("41/40"), (Some(40), Some(0)));
        assert_eq!(told("many"), (None, None));
    }

    #[test]
    fn reset_is_read_in_every_format() {
        let cases = [
            (ResetFormat::EpochSeconds, "1445412540"),
            (ResetFormat::EpochMilliseconds, "1445412540000"),
            (ResetFormat::Seconds, "60"),
            (ResetFormat::Milliseconds, "60000"),
            (ResetFormat::Rfc3339, "2015-10-21T09:29:00+02:00"),
            (ResetFormat::HttpDate, "Wed, 21 Oct 2015 07:29:00 GMT"),
        ];
        for (reset_format, value) in cases {
            let settings = RateLimit {
                remaining_header: Some("x-left".into()),
                reset_header: Some("x-reset".into()),
                reset_format,
                ..RateLimit::default()
            };
            let pairs = [("date", "Wed, 21 Oct 2015 07:28:00 GMT"), ("x-left", "7"), ("x-reset", value)];
            let notice = settings.notice(&headers(&pairs));
            assert_eq!((notice.remaining, notice.reset), (Some(7), Some(Duration::from_secs(60))), "{reset_format:?}");
        }
    }

    #[test]
    fn refusal_is_a_limit_only_under_its_condition() {
        let settings = RateLimit::default();
        let with = |retry_after, remaining| Notice { retry_after, remaining, ..Notice::default() };
        assert!(settings.is_reached(429, &with(None, None), b""));
        assert!(settings.is_reached(403, &with(Some(Duration::ZERO), Some(9)), b""));
        assert!(settings.is_reached(403, &with(None, Some(0)), b""));
        assert!(settings.is_reached(403, &with(None, None), b"{\"message\":\"secondary Rate Limit\"}"));
        assert!(!settings.is_reached(403, &with(None, Some(9)), b"{\"message\":\"Must have admin rights\"}"));
        assert!(!settings.is_reached(404, &with(Some(Duration::ZERO), Some(0)), b""));
    }
}
