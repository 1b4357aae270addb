//! What every API source needs of HTTP: one client with auth, retries, rate limits, pagination and redaction.
//!
//! A [`Client`] belongs to one connection and is shared by all its tables: they share its limiter and its token.
//! [`Client::send`] answers with a [`Response`] or an error that says what to do; [`pages`] walks through the pages of
//! a list, several at a time where their addresses are known ahead.

pub mod auth;
mod client;
mod download;
mod exchange;
mod failure;
mod limiter;
mod origin;
pub mod pagination;
mod rate_limit;
mod redact;
mod request;
mod response;
mod retry;
mod server_message;
mod settings;

pub use auth::Auth;
pub use client::Client;
pub use download::Download;
pub use http::{HeaderMap, Method, StatusCode};
pub use pagination::{FetchedPage, PageSettings, PageStream, PagesAhead, Pagination, pages};
pub use rate_limit::{LimitCondition, LimitRule, Pace, RateLimit, ResetFormat};
pub use redact::RedactedUrl;
pub use request::{Judge, Request, Verdict};
pub use response::Response;
pub use retry::RetrySettings;
pub use settings::{ClientSettings, Protocol, Timeouts};
pub use url::Url;
