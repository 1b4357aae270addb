//! Requests that create, change and delete rows.

use super::given::GivenParts;
use super::{Answer, Asked, Matched};
use crate::api::{Listing, Problem, Refusal, Shape, fill, read};
use crate::definition::{Action, Json};
use crate::server::Shared;
use crate::state::{Write, Written};

impl Shared {
    /// Creates, changes or deletes a row.
    pub(super) fn write_row(
        &self,
        asked: &Asked<'_>,
        matched: &Matched<'_>,
        (table, given): (usize, &GivenParts),
    ) -> Result<Answer, Answer> {
        let endpoint = matched.endpoint;
        let listing = read(&self.world, &self.state(), endpoint, matched.values, given.as_given())
            .map_err(|problem| self.refused(asked, &problem))?;
        let Some(listing) = listing else { return Err(self.refused(asked, &Problem::not_found())) };
        let write = self.wanted(matched, &listing, given).map_err(|problem| self.refused(asked, &problem))?;
        let deleted = matches!(write, Write::Delete { .. });
        let (state, slot) = self.write(table, &write);
        let mut names = self.names(matched);
        names.push(("id", self.identity(&state, table, slot)));
        if let Some(body) = &endpoint.body {
            return Ok(Answer::json(endpoint.response.status, &fill(body, &names)));
        }
        if deleted {
            return Ok(Answer::json(endpoint.response.status, &Json::Object(Vec::new())));
        }
        let row = self.record(&state, (table, slot), &Shape::default());
        Ok(Answer::json(endpoint.response.status, &wrapped(endpoint.response.records_key.as_deref(), row)))
    }

    /// What a request wants to be done.
    fn wanted(&self, matched: &Matched<'_>, listing: &Listing, given: &GivenParts) -> Result<Write, Problem> {
        let selected = listing.row.ok_or_else(Problem::not_found);
        match matched.endpoint.action {
            Action::Delete => Ok(Write::Delete { slot: selected? }),
            Action::Update => Ok(Write::Update { slot: selected?, written: self.written(matched, listing, given)? }),
            Action::Create | Action::Read => {
                let parent = listing.query.below.map(|(_, slot)| slot);
                Ok(Write::Create { parent, written: self.written(matched, listing, given)? })
            }
        }
    }

    /// The fields that a client gives to a row, without those that only the source sets.
    fn written(&self, matched: &Matched<'_>, listing: &Listing, given: &GivenParts) -> Result<Written, Problem> {
        let spec = &matched.endpoint.write;
        let refused = |parameter: &str, reason: String| Problem {
            refusal: Refusal::InvalidBody,
            ..Problem::invalid(parameter, "", reason)
        };
        let body = given.body.as_ref();
        let body = body.and_then(|body| spec.under.as_ref().map_or(Some(body), |under| body.get(under.split('.'))));
        let Some(body) = body.filter(|body| matches!(body, Json::Object(_))) else {
            let under = spec.under.as_deref().unwrap_or("body");
            return Err(refused(under, format!("expected an object in `{under}`")));
        };
        let mut body = body.clone();
        for (from, to) in &spec.fields {
            if let Some(value) = body.get(from.split('.')).cloned() {
                body.insert(to, value);
            }
        }
        let missing = |field: &&String| matches!(body.get(field.split('.')), None | Some(Json::Null));
        if let (Action::Create, Some(field)) = (matched.endpoint.action, spec.required.iter().find(missing)) {
            return Err(refused(field, format!("`{field}` is required")));
        }
        let table = self.world.tables.get(listing.query.table);
        let own: Vec<&[String]> =
            [Some(&table.identity), table.cursor.as_ref()].into_iter().flatten().map(|field| &*field.path).collect();
        let (written, unknown) = Written::accepted(table, &body, &own);
        match unknown.first().filter(|_| matched.endpoint.strict) {
            Some(field) => Err(refused(field, format!("`{field}` cannot be set"))),
            None => Ok(written),
        }
    }

    fn identity(&self, state: &crate::state::State, table: usize, slot: u64) -> serde_json::Value {
        let identity = &self.world.tables.get(table).identity;
        let row = self.record(state, (table, slot), &Shape::default());
        row.get(identity.path.iter().map(String::as_str)).map_or(serde_json::Value::Null, Json::to_value)
    }
}

/// A record below a key.
pub(super) fn wrapped(key: Option<&str>, record: Json) -> Json {
    match key {
        None => record,
        Some(key) => {
            let mut body = Json::Object(Vec::new());
            body.insert(key, record);
            body
        }
    }
}
