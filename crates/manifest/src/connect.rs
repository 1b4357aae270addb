//! A definition becomes a `LakeflowConnect`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use lakeflow_http::auth::{self, KeyPlace, OAuth};
use lakeflow_http::{self as http, Client, ClientSettings, Pace, Url};
use lakeflow_interface::{
    Error, ErrorKind, LakeflowConnect, Offset, ReadContext, ReadMetrics, ReadStream, Result, Secret, TableMetadata,
    TableOptions,
};

use crate::check::AUTH_METHOD;
use crate::definition::{
    self, ApiKeyPlace, Auth, ClientAuthentication, Grant, OAuth2, RateLimit, ResetFormat, Retries, Scheme, Template,
};
use crate::loaded::Definition;
use crate::read::{Ask, TableRead, read};
use crate::setting::Values;
use crate::template::{self, Scope};

/// How a connector reaches its source, besides what the definition says.
#[derive(Clone, Debug)]
pub struct ConnectSettings {
    /// Where every request is sent instead.
    pub upstream: Option<Url>,
    /// The value of the `user-agent` header.
    pub user_agent: String,
    /// How many requests may be under way at once, at most; the definition may say less.
    pub concurrency: usize,
}

impl Definition {
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
        let base_url = template::render(manifest.http.base_url.text(), &scope)?;
        let base_url = Url::parse(&base_url).map_err(|error| {
            let message = format!("expected a URL as `http.base_url`, found `{base_url}`");
            Error::new(ErrorKind::Configuration, message).with_cause(error)
        })?;
        let mut client = ClientSettings::new(base_url);
        client.auth = auth.map_or(Ok(http::Auth::None), |auth| compile_auth(auth, &scope))?;
        client.secrets = self.secrets(&values);
        for (name, header) in &manifest.http.headers {
            client.headers.push((name.clone(), template::render(header.text(), &scope)?));
        }
        client.headers.retain(|(_, value)| !value.is_empty());
        rate_limit(&mut client.rate_limit, manifest.http.rate_limit.as_ref());
        retries(&mut client, manifest.http.retry.as_ref());
        client.upstream = settings.upstream;
        client.user_agent = settings.user_agent;
        let most = manifest.http.concurrency.and_then(|number| usize::try_from(number).ok());
        client.concurrency = settings.concurrency.min(most.unwrap_or(usize::MAX)).max(1);
        let credentials = auth.map(|auth| self.credentials(auth)).unwrap_or_default();
        let connector = Connector { definition: self.clone(), client: Client::new(client)?, scope, credentials };
        Ok(Arc::new(connector))
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

fn templates_of(auth: &Auth) -> Vec<&str> {
    let Auth::Scheme(scheme) = auth else { return Vec::new() };
    match scheme.as_ref() {
        Scheme::Bearer(token) => vec![token.text()],
        Scheme::Basic { username, password } => vec![username.text(), password.text()],
        Scheme::ApiKey(key) => vec![key.value.text()],
        Scheme::OAuth2(oauth) => {
            let token = oauth.refresh_token.iter().map(Template::text);
            [oauth.client_id.text(), oauth.client_secret.text()].into_iter().chain(token).collect()
        }
    }
}

fn compile_auth(auth: &Auth, scope: &Scope) -> Result<http::Auth> {
    let Auth::Scheme(scheme) = auth else { return Ok(http::Auth::None) };
    let secret = |template: &Template| template::render(template.text(), scope).map(Secret::new);
    Ok(match scheme.as_ref() {
        Scheme::Bearer(token) => http::Auth::Bearer(secret(token)?),
        Scheme::Basic { username, password } => {
            http::Auth::Basic { username: template::render(username.text(), scope)?, password: secret(password)? }
        }
        Scheme::ApiKey(key) => match key.place() {
            Some(ApiKeyPlace::Header(name)) => {
                http::Auth::ApiKey { place: KeyPlace::Header(name), value: secret(&key.value)? }
            }
            Some(ApiKeyPlace::Query(name)) => {
                http::Auth::ApiKey { place: KeyPlace::Query(name), value: secret(&key.value)? }
            }
            None => http::Auth::None,
        },
        Scheme::OAuth2(oauth) => http::Auth::OAuth(compile_oauth(oauth, scope)?),
    })
}

fn compile_oauth(oauth: &OAuth2, scope: &Scope) -> Result<OAuth> {
    let text = |template: &Template| template::render(template.text(), scope);
    let token_url = text(&oauth.token_url)?;
    let token_url = Url::parse(&token_url).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("expected a URL as `token_url`, found `{token_url}`"))
            .with_cause(error)
    })?;
    let parameters = oauth.params.iter().map(|(name, value)| Ok((name.clone(), Secret::new(text(value)?))));
    let secret = Some(text(&oauth.client_secret)?).filter(|secret| !secret.is_empty());
    Ok(OAuth {
        token_url,
        client_id: text(&oauth.client_id)?,
        client_secret: secret.map(Secret::new),
        grant: match (oauth.grant, &oauth.refresh_token) {
            (Grant::RefreshToken, Some(token)) => auth::Grant::RefreshToken(Secret::new(text(token)?)),
            _ => auth::Grant::ClientCredentials,
        },
        scopes: oauth.scopes.clone(),
        parameters: parameters.collect::<Result<_>>()?,
        client_authentication: match oauth.client_authentication {
            ClientAuthentication::Body => auth::ClientAuthentication::Body,
            ClientAuthentication::Header => auth::ClientAuthentication::Basic,
        },
    })
}

fn rate_limit(settings: &mut http::RateLimit, limit: Option<&RateLimit>) {
    let Some(limit) = limit else { return };
    settings.limit_header.clone_from(&limit.limit);
    settings.remaining_header.clone_from(&limit.remaining);
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
        settings.pace = Some(Pace { requests: u32::try_from(requests).unwrap_or(u32::MAX), period: per.0 });
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

/// A connector that a definition describes.
struct Connector {
    definition: Definition,
    client: Client,
    scope: Scope,
    /// The parameters that hold the credentials.
    credentials: Vec<String>,
}

impl Connector {
    fn with_hint(&self, error: Error) -> Error {
        hint_at_credentials(error, &self.credentials)
    }
}

/// Says which parameters to look at when the source does not know us.
pub(crate) fn hint_at_credentials(error: Error, credentials: &[String]) -> Error {
    if error.kind() != ErrorKind::Authentication || credentials.is_empty() {
        return error;
    }
    let names: Vec<String> = credentials.iter().map(|name| format!("`{name}`")).collect();
    error.with_hint(format!(
        "check the connection parameter {}: it may be wrong, expired or revoked",
        names.join(" and ")
    ))
}

#[async_trait]
impl LakeflowConnect for Connector {
    async fn list_tables(&self) -> Result<Vec<String>> {
        Ok(self.definition.tables().map(str::to_owned).collect())
    }

    async fn get_table_schema(&self, table: &str, _options: &TableOptions) -> Result<SchemaRef> {
        self.definition.table_schema(table)
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        let plan = self.definition.plan(table)?;
        // So that a mistake in the options is found before anything is read.
        plan.option_settings().resolve(options.iter())?;
        Ok(plan.metadata.clone())
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let plan = self.definition.plan(table)?.clone();
        let values =
            plan.option_settings().resolve(options.iter()).map_err(|error| error.with_context("table", table))?;
        let ask = Ask {
            client: self.client.clone(),
            definition: self.definition.clone(),
            connection: self.scope.clone(),
            credentials: self.credentials.clone().into(),
            metrics: context.metrics.clone(),
            horizon: context.horizon.instant(),
            keeps_all: context.keeps_all,
        };
        read(TableRead::new(ask, plan, values)?, start)
    }

    async fn check_connection(&self) -> Result<()> {
        let Some(check) = &self.definition.manifest().connection.check else { return Ok(()) };
        let request = crate::read::request(&check.full(), &self.scope)?;
        let answer = self.client.send(&request, &ReadMetrics::default()).await;
        answer.map(|_| ()).map_err(|error| self.with_hint(error))
    }
}
