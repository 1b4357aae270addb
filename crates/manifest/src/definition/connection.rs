//! What a user gives to connect.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Auth, AuthMethod, Request, Scalar, Template, ValueType};

/// What a user must give to connect, how requests are authenticated, and how to check that it works.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// What a user gives, by name; templates read it as `{{ connection.NAME }}`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub parameters: BTreeMap<String, Parameter>,
    /// How requests are authenticated, where there is one way; `none` by default.
    pub auth: Option<Auth>,
    /// The ways in which requests can be authenticated, by name, where there are several. The user chooses one with the
    /// parameter `auth_method`.
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub auth_methods: Option<BTreeMap<String, AuthMethod>>,
    /// How users authorize through a browser or with a client of their own, for tools that offer it.
    pub oauth: Option<OAuthFlows>,
    /// The request that tells whether a connection works: the cheapest one that needs the credentials.
    pub check: Option<Request>,
}

/// How users authorize through a browser or with a client of their own: data for tools that offer it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuthFlows {
    /// The flows that the source knows.
    pub flows: Vec<OAuthFlow>,
    /// The page on which a user grants access.
    pub authorization_url: Option<Template>,
    /// The URL that gives tokens.
    pub token_url: Template,
    /// The scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether the source wants PKCE (RFC 7636).
    #[serde(default)]
    pub pkce: bool,
    /// Further parameters of the authorization page: `{access_type: offline}`.
    #[serde(default)]
    pub params: BTreeMap<String, Template>,
}

/// A way to authorize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OAuthFlow {
    /// A program with a client of its own.
    M2m,
    /// One user for everybody.
    U2m,
    /// Each user for himself.
    U2mPerUser,
}

/// One thing that a user gives to connect.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The type of its value; `string` by default.
    #[serde(default)]
    pub r#type: ValueType,
    /// Whether nobody may see it.
    #[serde(default)]
    pub secret: bool,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Its value where it is not given.
    pub default: Option<Scalar>,
    /// The values that it may have.
    #[serde(default)]
    pub r#enum: Vec<Scalar>,
    /// What it is and where to find it, in a sentence.
    pub description: Option<String>,
}
