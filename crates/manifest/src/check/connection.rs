//! Checks `connection` and `http`.

use std::collections::BTreeMap;

use super::templates::Names;
use super::{Checker, deeper};
use crate::definition::{Auth, Grant, Jwt, OAuthFlow, OAuthFlows, OptionDeclaration, Parameter, Scheme, Template};
use crate::setting::Setting;
use crate::template;

/// The parameter by which a user chooses one of several ways of authentication.
pub(crate) const AUTH_METHOD: &str = "auth_method";

impl Checker<'_> {
    /// Checks the connection; gives all its parameters.
    pub(super) fn connection(&mut self) -> Vec<Setting> {
        let connection = &self.manifest.connection;
        let mut parameters = self.parameters(&["connection", "parameters"], &connection.parameters);
        if let (Some(_), Some(_)) = (&connection.auth, &connection.auth_methods) {
            self.report_key(&["connection", "auth_methods"], "expected `auth` or `auth_methods`, found both");
        }
        let mut names = Names::of_connection(&parameters);
        names.may_use_secrets = true;
        if let Some(auth) = &connection.auth {
            self.auth(&["connection", "auth"], auth, &names, &parameters);
        }
        for (name, method) in connection.auth_methods.iter().flatten() {
            let path = ["connection", "auth_methods", name.as_str()];
            let own = self.parameters(&deeper(&path, "parameters"), &method.parameters);
            for setting in &own {
                if parameters.iter().any(|other| other.name == setting.name) {
                    let path = deeper(&deeper(&path, "parameters"), &setting.name);
                    self.report_key(&path, format!("the parameter `{}` exists already", setting.name));
                }
            }
            let all: Vec<Setting> = connection_of_method(&connection.parameters, &own);
            let mut names = Names::of_connection(&all);
            names.may_use_secrets = true;
            self.auth(&deeper(&path, "auth"), &method.auth, &names, &all);
            parameters.extend(own.into_iter().map(|setting| Setting { required: false, ..setting }));
        }
        if let Some(methods) = &connection.auth_methods {
            parameters.push(auth_method(methods.keys()));
        }
        if let Some(oauth) = &connection.oauth {
            self.oauth_flows(oauth, &Names::of_connection(&parameters));
        }
        if let Some(check) = &connection.check {
            self.request(&["connection", "check"], &check.full(), &Names::of_connection(&parameters));
        }
        parameters
    }

    fn parameters(&mut self, path: &[&str], parameters: &BTreeMap<String, Parameter>) -> Vec<Setting> {
        for name in parameters.keys().filter(|name| *name == AUTH_METHOD) {
            self.report_key(&deeper(path, name), "the parameter `auth_method` is derived from `auth_methods`");
        }
        let settings = parameters.iter().map(|(name, parameter)| Setting::parameter(name, parameter));
        let settings: Vec<Setting> = settings.collect();
        settings.iter().for_each(|setting| self.setting(&deeper(path, &setting.name), setting));
        settings
    }

    fn auth(&mut self, path: &[&str], auth: &Auth, names: &Names, parameters: &[Setting]) {
        let Auth::Scheme(scheme) = auth else { return };
        match scheme.as_ref() {
            Scheme::Bearer(token) => self.credential(&deeper(path, "bearer"), token, names, parameters),
            Scheme::Basic { username, password } => {
                let path = deeper(path, "basic");
                self.template(&deeper(&path, "username"), username, names);
                self.credential(&deeper(&path, "password"), password, names, parameters);
            }
            Scheme::ApiKey(key) => {
                let path = deeper(path, "api_key");
                if key.place().is_none() {
                    self.report(&path, "expected one of `header` and `query`");
                }
                self.credential(&deeper(&path, "value"), &key.value, names, parameters);
            }
            Scheme::Jwt(jwt) => self.jwt(&deeper(path, "jwt"), jwt, names, parameters),
            Scheme::Session(session) => {
                let path = deeper(path, "session");
                self.request(&deeper(&path, "login"), &session.login.full(), names);
                self.value_place(&deeper(&path, "token"), Some(&session.token));
                if let Some(value) = &session.value {
                    let names = names.clone().with_texts("session", [&"token".to_owned()]);
                    self.template(&deeper(&path, "value"), value, &names);
                }
            }
            Scheme::OAuth2(oauth) => {
                let path = deeper(path, "oauth2");
                self.template(&deeper(&path, "token_url"), &oauth.token_url, names);
                self.template(&deeper(&path, "client_id"), &oauth.client_id, names);
                self.credential(&deeper(&path, "client_secret"), &oauth.client_secret, names, parameters);
                if oauth.grant != Grant::JwtBearer && oauth.client_id.text().is_empty() {
                    self.report(&path, "the key `client_id` is missing");
                }
                match (oauth.grant == Grant::JwtBearer, &oauth.assertion) {
                    (true, Some(jwt)) => self.jwt(&deeper(&path, "assertion"), jwt, names, parameters),
                    (true, None) => drop(self.report(&path, "the key `assertion` is missing")),
                    (false, Some(_)) => {
                        self.report_key(&deeper(&path, "assertion"), "only the grant `jwt_bearer` uses this");
                    }
                    (false, None) => {}
                }
                for (name, template) in &oauth.params {
                    self.template(&deeper(&deeper(&path, "params"), name), template, names);
                }
                match (oauth.grant, &oauth.refresh_token) {
                    (Grant::RefreshToken, Some(token)) => {
                        self.credential(&deeper(&path, "refresh_token"), token, names, parameters);
                    }
                    (Grant::RefreshToken, None) => {
                        self.report(&path, "the key `refresh_token` is missing");
                    }
                    (Grant::ClientCredentials | Grant::JwtBearer, Some(_)) => {
                        self.report_key(&deeper(&path, "refresh_token"), "only the grant `refresh_token` uses this");
                    }
                    (Grant::ClientCredentials | Grant::JwtBearer, None) => {}
                }
            }
        }
    }

    fn jwt(&mut self, path: &[&str], jwt: &Jwt, names: &Names, parameters: &[Setting]) {
        self.credential(&deeper(path, "key"), &jwt.key, names, parameters);
        if let Some(id) = &jwt.key_id {
            self.template(&deeper(path, "key_id"), id, names);
        }
        for (name, claim) in &jwt.claims {
            self.template(&deeper(&deeper(path, "claims"), name), claim, names);
        }
    }

    fn oauth_flows(&mut self, oauth: &OAuthFlows, names: &Names) {
        let path = ["connection", "oauth"];
        let is_browser = |flow: &OAuthFlow| *flow != OAuthFlow::M2m;
        if oauth.flows.iter().any(is_browser) && oauth.authorization_url.is_none() {
            self.report(&path, "the flows `u2m` and `u2m_per_user` need `authorization_url`");
        }
        for (word, template) in
            [("authorization_url", oauth.authorization_url.as_ref()), ("token_url", Some(&oauth.token_url))]
        {
            if let Some(template) = template {
                self.template(&deeper(&path, word), template, names);
            }
        }
        for (name, template) in &oauth.params {
            self.template(&deeper(&deeper(&path, "params"), name), template, names);
        }
    }

    /// A template that gives a credential: what it uses must be secret.
    fn credential(&mut self, path: &[&str], credential: &Template, names: &Names, parameters: &[Setting]) {
        self.template(path, credential, names);
        let used = template::names(credential.text()).unwrap_or_default();
        let used: Vec<&Setting> =
            parameters.iter().filter(|p| used.contains(&format!("connection.{}", p.name))).collect();
        if !used.is_empty() && !used.iter().any(|setting| setting.secret) {
            let names: Vec<String> = used.iter().map(|setting| format!("`{}`", setting.name)).collect();
            self.report(path, format!("{} is a credential here, but not `secret: true`", names.join(" and ")));
        }
    }

    pub(super) fn http(&mut self, parameters: &[Setting]) {
        let http = &self.manifest.http;
        let mut names = Names::of_connection(parameters);
        self.template(&["http", "base_url"], &http.base_url, &names);
        names.may_use_secrets = true;
        for (name, template) in &http.headers {
            self.template(&["http", "headers", name], template, &names);
        }
        if let Some(limit) = &http.rate_limit {
            if limit.requests.is_some() != limit.per.is_some() {
                self.report(&["http", "rate_limit"], "expected `requests` and `per` together, found one of them");
            }
            if limit.reset.is_some() && limit.remaining.is_none() {
                self.report_key(&["http", "rate_limit", "reset"], "without `remaining`, this is never used");
            }
        }
        self.paging(&["http"], http.pagination.as_ref(), http.page_size.as_ref());
        self.error_rules(&["http", "errors"], &http.errors);
    }
}

fn connection_of_method(shared: &BTreeMap<String, Parameter>, own: &[Setting]) -> Vec<Setting> {
    let shared = shared.iter().map(|(name, parameter)| Setting::parameter(name, parameter));
    shared.chain(own.iter().cloned()).collect()
}

fn auth_method<'n>(methods: impl Iterator<Item = &'n String>) -> Setting {
    let mut setting =
        Setting::option(AUTH_METHOD, &OptionDeclaration { required: true, ..OptionDeclaration::default() });
    setting.r#enum = methods.cloned().collect();
    setting.description = Some("How requests are authenticated".to_owned());
    setting
}
