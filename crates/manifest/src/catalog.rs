//! `Catalog`: the tables and columns that a source tells of, asked for once.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use futures::TryStreamExt;
use lakeflow_http::{Client, PageSettings};
use lakeflow_interface::records::{Page, Value};
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result, TableOptions, ddl, unknown_name};
use tokio::sync::{Mutex, OnceCell};

use crate::check::pagination::compile;
use crate::connector::Connector;
use crate::definition::{DiscoveredColumns, DiscoveredTables, ErrorRule, Pagination, Request, StatusAction};
use crate::named_types::NamedTypes;
use crate::path::{Condition, FieldPath, JsonPath};
use crate::plan::TablePlan;
use crate::template::Scope;

/// Most tables, and most columns of one, that a source may tell of.
const MOST: usize = 10_000;

/// What a source tells of its tables, asked for once.
#[derive(Default)]
pub(crate) struct Catalog {
    tables: OnceCell<BTreeMap<String, Arc<TablePlan>>>,
    /// Tables with their columns.
    complete: Mutex<BTreeMap<String, Arc<TablePlan>>>,
}

impl Catalog {
    /// The names of all tables.
    pub(crate) async fn names(&self, connector: &Connector, metrics: &Arc<ReadMetrics>) -> Result<Vec<String>> {
        let shared = &connector.definition.shared;
        let mut names: Vec<String> = shared.tables.keys().cloned().collect();
        if !shared.families.is_empty() {
            names.extend(self.discovered(connector, metrics).await?.keys().cloned());
            names.sort();
        }
        Ok(names)
    }

    /// A table with its columns.
    pub(crate) async fn table(
        &self,
        connector: &Connector,
        name: &str,
        options: &TableOptions,
        metrics: &Arc<ReadMetrics>,
    ) -> Result<Arc<TablePlan>> {
        let shared = &connector.definition.shared;
        let plan = match shared.tables.get(name) {
            Some(plan) => plan.clone(),
            None if shared.families.is_empty() => connector.definition.plan(name)?.clone(),
            None => {
                let discovered = self.discovered(connector, metrics).await?;
                let unknown = || {
                    let names = shared.tables.keys().chain(discovered.keys()).map(String::as_str);
                    unknown_name(ErrorKind::Configuration, "table", name, names)
                };
                discovered.get(name).ok_or_else(unknown)?.clone()
            }
        };
        let Some(columns) = plan.table.discovery.as_ref().and_then(|discovery| discovery.columns.clone()) else {
            return Ok(plan);
        };
        let mut complete = self.complete.lock().await;
        if let Some(known) = complete.get(name) {
            return Ok(known.clone());
        }
        let whole = Arc::new(with_columns(connector, &plan, &columns, options, metrics).await?);
        complete.insert(name.to_owned(), whole.clone());
        Ok(whole)
    }

    async fn discovered(
        &self,
        connector: &Connector,
        metrics: &Arc<ReadMetrics>,
    ) -> Result<&BTreeMap<String, Arc<TablePlan>>> {
        let discover = || async {
            let shared = &connector.definition.shared;
            let mut tables = BTreeMap::new();
            for family in &shared.families {
                let Some(listed) = family.table.discovery.as_ref().and_then(|discovery| discovery.tables.as_ref())
                else {
                    continue;
                };
                for (name, words) in tables_of(connector, family, listed, metrics).await? {
                    let is_new = !shared.tables.contains_key(&name) && !tables.contains_key(&name);
                    if is_new {
                        tables.insert(name.clone(), Arc::new(family.member(&name, words)));
                    }
                }
            }
            Ok(tables)
        };
        self.tables.get_or_try_init(discover).await
    }
}

/// A list that the source gives, whole.
struct Listing<'l> {
    client: Client,
    request: &'l Request,
    records: &'l JsonPath,
    pagination: Option<&'l Pagination>,
    scope: &'l Scope,
    /// Statuses at which there is no list.
    skipped: Vec<u16>,
}

impl Listing<'_> {
    async fn read(&self, metrics: &Arc<ReadMetrics>) -> Result<Vec<Arc<Page>>> {
        let request = crate::read::request(&self.request.full(), self.scope)?.accepting(self.skipped.clone());
        let mut settings = PageSettings::new(compile(self.pagination));
        settings.records = self.records.keys();
        settings.most_pages = 1_000;
        let pages = lakeflow_http::pages(&self.client, request, settings, metrics.clone());
        pages
            .try_filter(|page| std::future::ready(page.status.is_success()))
            .map_ok(|page| page.page)
            .try_collect()
            .await
    }

    /// The elements of which a condition holds.
    fn elements<'p>(&self, pages: &'p [Arc<Page>], holds: Option<&Condition>) -> Result<Vec<Value<'p>>> {
        let mut elements = Vec::new();
        for page in pages {
            let found = self.records.select_in(page.root())?.into_iter().map(|found| found.value);
            elements.extend(found.filter(|value| holds.is_none_or(|condition| condition.holds(*value))));
            if elements.len() > MOST {
                let message = format!("expected at most {MOST} tables or columns, found more");
                return Err(Error::new(ErrorKind::BadResponse, message));
            }
        }
        Ok(elements)
    }
}

/// The tables that a source tells of, by name, each with what tells it from the others.
async fn tables_of(
    connector: &Connector,
    family: &TablePlan,
    listed: &DiscoveredTables,
    metrics: &Arc<ReadMetrics>,
) -> Result<Vec<(String, BTreeMap<String, String>)>> {
    let is_skip = |rule: &ErrorRule| rule.cases().any(|(_, action)| *action == StatusAction::Skip);
    let default = connector.definition.manifest().http.pagination.as_ref();
    let listing = Listing {
        client: connector.clients.of(&family.table, &connector.scope)?,
        request: &listed.request,
        records: &listed.records,
        pagination: listed.pagination.as_ref().or(default),
        scope: &connector.scope,
        skipped: listed.errors.0.iter().filter(|(_, rule)| is_skip(rule)).map(|(status, _)| status.0).collect(),
    };
    let pages = listing.read(metrics).await?;
    let tables = listing.elements(&pages, listed.r#where.as_ref())?.into_iter().map(|element| {
        let words = listed.r#as.iter().map(|(word, path)| Ok((word.clone(), text(path, element)?)));
        Ok((table_name(&text(&listed.name, element)?), words.collect::<Result<_>>()?))
    });
    tables.collect()
}

fn text(path: &FieldPath, element: Value<'_>) -> Result<String> {
    let text = path.find(element).and_then(Value::scalar_text).map(|text| text.into_owned());
    text.ok_or_else(|| {
        Error::new(ErrorKind::BadResponse, format!("what the source tells of its tables has no `{path}`"))
    })
}

/// A name as tables have it: lower case, `_` for all but letters and digits.
fn table_name(name: &str) -> String {
    name.chars().map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '_' }).collect()
}

/// A table with the columns that the source tells of.
async fn with_columns(
    connector: &Connector,
    plan: &TablePlan,
    columns: &DiscoveredColumns,
    options: &TableOptions,
    metrics: &Arc<ReadMetrics>,
) -> Result<TablePlan> {
    let values = plan.option_settings().resolve(options.iter())?;
    let words = plan.words.iter().map(|(name, word)| (name.clone(), word.as_str().into())).collect();
    let scope = connector.scope.clone().with("options", values.for_templates()).with("table", words);
    let default = connector.definition.manifest().http.pagination.as_ref();
    let listing = Listing {
        client: connector.clients.of(&plan.table, &connector.scope)?,
        request: &columns.request,
        records: &columns.records,
        pagination: columns.pagination.as_ref().or(default),
        scope: &scope,
        skipped: Vec::new(),
    };
    let pages = listing.read(metrics).await?;
    let types = NamedTypes(&connector.definition.manifest().types);
    let mut names = Vec::new();
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for element in listing.elements(&pages, columns.r#where.as_ref())? {
        let (name, kind) = (text(&columns.name, element)?, text(&columns.r#type, element)?);
        if names.contains(&name) {
            continue;
        }
        let known = columns.types.get(&kind).or(columns.otherwise.as_ref()).map_or("STRING", String::as_str);
        let comment = columns.comment.as_ref().and_then(|path| path.find(element)?.scalar_text());
        fields.push(Arc::new(field(&types, &name, known, comment.as_deref())?));
        names.push(name);
    }
    Ok(plan.with_discovered(&extended(&plan.schema, fields, columns.into.as_deref()), &names))
}

fn field(types: &NamedTypes<'_>, name: &str, kind: &str, comment: Option<&str>) -> Result<Field> {
    let invalid = |message: String| Error::new(ErrorKind::Definition, message);
    let text = types.expand_schema(&format!("x {kind}")).map_err(invalid)?;
    let field = ddl::parse(&text)?.field(0).clone().with_name(name).with_nullable(true);
    let mut metadata = field.metadata().clone();
    metadata.extend(
        comment.filter(|comment| !comment.is_empty()).map(|comment| ("comment".to_owned(), comment.to_owned())),
    );
    Ok(field.with_metadata(metadata))
}

/// A schema and further columns, or fields of one of its columns; those that it has already stay as they are.
fn extended(schema: &SchemaRef, further: Vec<Arc<Field>>, into: Option<&str>) -> SchemaRef {
    let merged = |own: &Fields| -> Fields {
        let new = further.iter().filter(|field| own.find(field.name()).is_none());
        own.iter().chain(new).cloned().collect()
    };
    let Some(into) = into else { return Arc::new(Schema::new(merged(schema.fields()))) };
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let position = fields.iter().position(|field| field.name() == into);
    let own = match position.map(|position| fields[position].data_type()) {
        Some(DataType::Struct(own)) => own.clone(),
        _ => Fields::empty(),
    };
    let whole = DataType::Struct(merged(&own));
    match position {
        Some(position) => fields[position] = Arc::new(fields[position].as_ref().clone().with_data_type(whole)),
        None => fields.push(Arc::new(Field::new(into, whole, true))),
    }
    Arc::new(Schema::new(fields))
}
