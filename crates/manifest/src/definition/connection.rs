//! What a user gives to connect.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Auth, AuthMethod, Request, Scalar, ValueType};

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
    /// The request that tells whether a connection works: the cheapest one that needs the credentials.
    pub check: Option<Request>,
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
