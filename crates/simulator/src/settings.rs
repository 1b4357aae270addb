//! How a simulator is started.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lakeflow_interface::Secret;
use serde::Deserialize;
use url::Url;

use crate::{Advance, Fault};

/// How a simulator is started; the default serves the corpus as it is on any free port of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port to listen on; 0 takes any.
    pub port: u16,
    /// Multiplies the counts of all corpora that are scaled.
    pub scale: u64,
    /// The counts of single tables, instead of what the scale makes of them.
    pub counts: BTreeMap<String, u64>,
    /// The credential to expect; without one, any credential of the declared kind is accepted.
    pub token: Option<Secret>,
    /// What is secret of the client's credentials, by the names of its parameters, where no token is expected: one of these
    /// must stand where Basic authentication has the secret, the password or the user, or each at its place where both
    /// are. Without any, it may be anything.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether lists refuse parameters that they do not know, also where the API would ignore them.
    pub refuses_unknown: bool,
    /// The clock at the start; all rows lie before it. Without one it is the real clock.
    pub now: Option<DateTime<Utc>>,
    /// The same seed gives the same rows.
    pub seed: u64,
    /// How long every answer is held back.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Advances in the middle of a read.
    pub advances: Vec<AdvanceAfter>,
    /// The rate limit to enforce; without one the headers count down from a very large number.
    pub request_budget: Option<RequestBudget>,
    /// What the links of answers begin with; without one, the address that the client asked.
    pub public_url: Option<Url>,
    /// Whether endpoints that page by number and by cursor link to the next page by its cursor, as GitHub does for long
    /// lists.
    pub cursor_links: bool,
    /// How many requests the log keeps; the counts go on.
    pub log_capacity: usize,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            scale: 1,
            counts: BTreeMap::new(),
            token: None,
            secrets: BTreeMap::new(),
            refuses_unknown: false,
            now: None,
            seed: 1,
            latency: Duration::ZERO,
            faults: Vec::new(),
            advances: Vec::new(),
            request_budget: None,
            public_url: None,
            cursor_links: false,
            log_capacity: 10_000,
        }
    }
}

/// A rate limit to enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBudget {
    /// Requests that one window allows.
    pub requests: u64,
    /// The length of a window.
    pub window: Duration,
}

/// An advance right after a request, before its answer is sent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvanceAfter {
    /// The path, or path and query if it has a `?`; `*` stands for anything.
    pub path: String,
    /// After which request that matches, from 1.
    pub request: u64,
    /// What happens.
    pub advance: Advance,
}
