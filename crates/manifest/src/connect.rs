//! A definition becomes a `LakeflowConnect`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lakeflow_http::{self as http, Client, ClientSettings, Pace, Url};
use lakeflow_interface::{Error, ErrorKind, LakeflowConnect, Result, Secret};

use crate::check::AUTH_METHOD;
use crate::connector::Connector;
use crate::credentials::{compile_auth, templates_of};
use crate::definition::{self, Auth, RateLimit, ResetFormat, Retries, Template};
use crate::loaded::Definition;
use crate::setting::Values;
use crate::template::{self, Scope};

/// How a connector reaches its source, besides what the definition says.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Where every request is sent instead.
    pub upstream: Option<Url>,
    /// The value of the `user-agent` header.
    pub user_agent: String,
    /// How many requests may be under way at once, at most, where the definition does not say.
    pub concurrency: usize,
    /// How many processes read with this connection at a time, this one among them. Each keeps its share of the limits
    /// that the definition declares; those that answers tell of, all see.
    pub readers: usize,
}

impl Definition {
    /// How many processes may read with a connection at a time: `most`, unless the definition declares limits. Then it is
    /// `at_once`, those that surely do, and no more than the requests that may be under way.
    pub fn most_readers(&self, most: usize, at_once: usize) -> usize {
        let http = &self.manifest().http;
        let is_paced = http.rate_limit.as_ref().is_some_and(|limit| limit.requests.is_some());
        let requests = most_requests(http);
        if requests.is_none() && !is_paced {
            return most;
        }
        most.min(at_once).min(requests.unwrap_or(usize::MAX)).max(1)
    }

    /// Makes a connector of this definition; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where the parameters do not fit; a secret is never shown.
    pub fn connect(
        &self,
        parameters: &BTreeMap<String, Secret>,
        settings: ConnectSettings,
    ) -> Result<Arc<dyn LakeflowConnect>> {
        let given = parameters.iter().map(|(name, value)| (name.as_str(), value.expose()));
        let values = self.parameter_settings().resolve(given)?;
        let scope = Scope::default().with("connection", values.for_templates());
        let manifest = self.manifest();
        let auth = self.chosen_auth(&values)?;
        let base_url = url("http.base_url", &manifest.http.base_url, &scope)?;
        let mut client = ClientSettings::new(base_url.clone());
        client.auth = auth.map_or(Ok(http::Auth::None), |auth| compile_auth(auth, &scope))?;
        client.secrets = self.secrets(&values);
        for (name, header) in &manifest.http.headers {
            client.headers.push((name.clone(), template::render(header.text(), &scope)?));
        }
        client.headers.retain(|(_, value)| !value.is_empty());
        let readers = settings.readers.max(1);
        rate_limit(&mut client.rate_limit, manifest.http.rate_limit.as_ref(), readers);
        retries(&mut client, manifest.http.retry.as_ref());
        client.upstream = settings.upstream;
        client.user_agent = settings.user_agent;
        client.concurrency = most_requests(&manifest.http).map_or(settings.concurrency, |most| most / readers).max(1);
        let credentials = auth.map(|auth| self.credentials(auth)).unwrap_or_default();
        let clients = self.clients(&client, &scope)?;
        Ok(Arc::new(Connector::new(self.clone(), clients, scope, credentials)))
    }

    /// A client for each address that tables are read from; the first is that of `http.base_url`.
    fn clients(&self, settings: &ClientSettings, scope: &Scope) -> Result<Clients> {
        let mut clients = Clients { main: Client::new(settings.clone())?, others: BTreeMap::new() };
        for (name, table) in &self.manifest().tables {
            let Some(base_url) = &table.base_url else { continue };
            let base_url = url(&format!("tables.{name}.base_url"), base_url, scope)?;
            if !clients.others.contains_key(base_url.as_str()) {
                let client = Client::new(ClientSettings { base_url: base_url.clone(), ..settings.clone() })?;
                clients.others.insert(base_url.to_string(), client);
            }
        }
        Ok(clients)
    }

    /// The way of authentication that the parameters choose.
    fn chosen_auth(&self, values: &Values) -> Result<Option<&Auth>> {
        let connection = &self.manifest().connection;
        let Some(methods) = &connection.auth_methods else { return Ok(connection.auth.as_ref()) };
        let Some(method) = values.get(AUTH_METHOD).and_then(|name| methods.get(name)) else { return Ok(None) };
        let mut required = method.parameters.iter().filter(|(_, parameter)| parameter.required);
        if let Some((name, _)) = required.find(|(name, _)| values.get(name).is_none()) {
            return Err(Error::new(ErrorKind::Configuration, format!("the connection parameter `{name}` is missing"))
                .with_hint(format!("the `{AUTH_METHOD}` that you chose needs it")));
        }
        Ok(Some(&method.auth))
    }

    fn secrets(&self, values: &Values) -> Vec<Secret> {
        let secret = self.parameters().iter().filter(|setting| setting.secret);
        secret.filter_map(|setting| values.get(&setting.name)).map(Secret::new).collect()
    }

    /// The secret parameters that a way of authentication uses.
    fn credentials(&self, auth: &Auth) -> Vec<String> {
        let used: BTreeSet<String> =
            templates_of(auth).into_iter().flat_map(|text| template::names(text).unwrap_or_default()).collect();
        let settings = self.parameters().iter();
        let used = settings.filter(|setting| used.contains(&format!("connection.{}", setting.name)));
        used.map(|setting| setting.name.clone()).collect()
    }
}

/// How many requests the definition allows to be under way at once.
fn most_requests(http: &definition::Http) -> Option<usize> {
    http.concurrency.and_then(|number| usize::try_from(number).ok())
}

fn rate_limit(settings: &mut http::RateLimit, limit: Option<&RateLimit>, readers: usize) {
    let Some(limit) = limit else { return };
    settings.limit_header.clone_from(&limit.limit);
    settings.remaining_header.clone_from(&limit.remaining);
    settings.used_of_limit_header.clone_from(&limit.used_of_limit);
    if let Some((header, format)) = limit.reset.as_ref().map(definition::Reset::parts) {
        settings.reset_header = Some(header.to_owned());
        settings.reset_format = match format {
            ResetFormat::EpochSeconds => http::ResetFormat::EpochSeconds,
            ResetFormat::EpochMilliseconds => http::ResetFormat::EpochMilliseconds,
            ResetFormat::Seconds => http::ResetFormat::Seconds,
            ResetFormat::Rfc3339 => http::ResetFormat::Rfc3339,
        };
    }
    if let (Some(requests), Some(per)) = (limit.requests, limit.per) {
        let period = per.0.saturating_mul(u32::try_from(readers).unwrap_or(u32::MAX));
        settings.pace = Some(Pace { requests: u32::try_from(requests).unwrap_or(u32::MAX), period });
    }
}

fn retries(settings: &mut ClientSettings, retry: Option<&Retries>) {
    let Some(retry) = retry else { return };
    if let Some(attempts) = retry.attempts.and_then(|attempts| u32::try_from(attempts).ok()) {
        settings.retry.max_attempts = attempts;
    }
    if let Some(patience) = retry.patience {
        settings.rate_limit.patience = patience.0;
    }
    settings.retry.statuses.extend(&retry.statuses);
}

/// The URL that a template gives.
pub(crate) fn url(key: &str, template: &Template, scope: &Scope) -> Result<Url> {
    let text = template::render(template.text(), scope)?;
    Url::parse(&text).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("expected a URL as `{key}`, found `{text}`")).with_cause(error)
    })
}

/// The clients of a connection.
pub(crate) struct Clients {
    pub(crate) main: Client,
    /// Those of tables at other addresses.
    others: BTreeMap<String, Client>,
}

impl Clients {
    /// The client of a table.
    pub(crate) fn of(&self, table: &definition::Table, scope: &Scope) -> Result<Client> {
        let Some(base_url) = &table.base_url else { return Ok(self.main.clone()) };
        let base_url = url("base_url", base_url, scope)?;
        Ok(self.others.get(base_url.as_str()).unwrap_or(&self.main).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn definition(http: &str) -> Definition {
        let text = format!(
            "display_name: Shop\nconnection: {{}}\nhttp: {{base_url: \"https://example.com\", {http}}}\n\
             tables:\n  items: {{ingestion_type: snapshot, primary_keys: [id], request: {{path: /items}}, \
             records: $.items, schema: id BIGINT}}\n"
        );
        Definition::parse(&text, "connector.yaml")
            .unwrap_or_else(|error| panic!("{}", std::error::Error::source(&error).unwrap()))
    }

    #[test]
    fn readers_are_as_many_as_the_declared_limits_allow() {
        assert_eq!(definition("rate_limit: {remaining: x-left, reset: x-reset}").most_readers(64, 2), 64);
        assert_eq!(definition("rate_limit: {requests: 80, per: 1s}").most_readers(64, 2), 2);
        assert_eq!(definition("rate_limit: {requests: 80, per: 1s}").most_readers(4, 16), 4);
        assert_eq!(definition("concurrency: 3").most_readers(64, 16), 3);
    }

    #[test]
    fn reader_keeps_its_share_of_the_pace() {
        let limit = definition("rate_limit: {requests: 80, per: 1s}");
        let mut settings = http::RateLimit::default();
        rate_limit(&mut settings, limit.manifest().http.rate_limit.as_ref(), 4);
        assert_eq!(settings.pace, Some(Pace { requests: 80, period: Duration::from_secs(4) }));
    }
}
