//! Where a page has a value, and where a request takes one.

use http::HeaderMap;
use lakeflow_interface::records::{Kind, Page, Value};
use serde_json::Value as Json;

use crate::Request;
use crate::request::Body;

/// Where a page has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path of keys of the body's fields.
    Body(Vec<String>),
    /// The header of this name.
    Header(String),
}

/// Where a request takes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The query parameter of this name.
    Parameter(String),
    /// The field at this path of the JSON body, or of this name in the form.
    BodyField(Vec<String>),
    /// The header of this name.
    Header(String),
}

impl Place {
    /// The value; nothing where it is absent, `null`, an array or an object, or empty.
    pub fn value(&self, page: &Page, headers: &HeaderMap) -> Option<Json> {
        match self {
            Self::Body(path) => scalar(page.root().get_path(path)?),
            Self::Header(name) => {
                Some(headers.get(name)?.to_str().ok()?.trim()).filter(|text| !text.is_empty()).map(Json::from)
            }
        }
    }

    /// The value as text.
    pub fn text(&self, page: &Page, headers: &HeaderMap) -> Option<String> {
        self.value(page, headers).map(|value| plain(&value))
    }

    /// The value as a number.
    pub(super) fn number(&self, page: &Page, headers: &HeaderMap) -> Option<u64> {
        self.text(page, headers)?.parse().ok()
    }

    /// Whether the value says yes.
    pub fn is_true(&self, page: &Page, headers: &HeaderMap) -> bool {
        self.text(page, headers).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
    }
}

impl Target {
    /// Sets the value. In a JSON body a number stays a number.
    pub fn set(&self, request: &mut Request, value: &Json) {
        match self {
            Self::Parameter(name) => request.set_query(name, plain(value)),
            Self::BodyField(path) => set_in_body(request.body_mut(), path, value),
            Self::Header(name) => request.set_header(name, plain(value)),
        }
    }

    /// The number that a request has here.
    pub(super) fn number_in(&self, request: &Request) -> Option<u64> {
        match self {
            Self::Parameter(name) => request.query(name)?.parse().ok(),
            Self::Header(_) => None,
            Self::BodyField(path) => match request.body() {
                Body::Json(root) => path.iter().try_fold(root, |place, key| place.get(key))?.as_u64(),
                Body::Form(fields) => {
                    let name = path.join(".");
                    fields.iter().find(|(known, _)| *known == name)?.1.parse().ok()
                }
                Body::Empty => None,
            },
        }
    }
}

/// A scalar of a page as JSON; a number beyond 64 bits becomes text, to keep its digits.
pub(super) fn scalar(value: Value<'_>) -> Option<Json> {
    let text = value.scalar_text().filter(|text| !text.is_empty())?;
    let number = matches!(value.kind(), Kind::Number(_)).then(|| text.parse::<i64>().ok()).flatten();
    Some(number.map_or_else(|| Json::from(text.as_ref()), Json::from))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn set_in_body(body: &mut Body, path: &[String], value: &Json) {
    if let Body::Form(fields) = body {
        let name = path.join(".");
        fields.retain(|(known, _)| *known != name);
        fields.push((name, plain(value)));
        return;
    }
    if !matches!(body, Body::Json(Json::Object(_))) {
        *body = Body::Json(Json::Object(serde_json::Map::new()));
    }
    let Body::Json(root) = body else { return };
    let place = path.iter().fold(root, |place, key| {
        if !place.is_object() {
            *place = Json::Object(serde_json::Map::new());
        }
        &mut place[key.as_str()]
    });
    *place = value.clone();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn value_keeps_its_type_from_page_to_body() {
        let page =
            Page::parse(r#"{"a":{"text":"7","number":7,"large":18446744073709551616,"nothing":null,"empty":""}}"#)
                .unwrap();
        let value = |field: &str| Place::Body(path(field)).value(&page, &HeaderMap::new());
        assert_eq!(value("a.text"), Some(Json::from("7")));
        assert_eq!(value("a.number"), Some(Json::from(7)));
        assert_eq!(value("a.large"), Some(Json::from("18446744073709551616")));
        assert_eq!((value("a.nothing"), value("a.empty"), value("a.missing"), value("a")), (None, None, None, None));
        let mut request = Request::post("/x").with_json(serde_json::json!({"filter": 1}));
        Target::BodyField(path("paging.after")).set(&mut request, &Json::from(7));
        assert_eq!(request.body_bytes().unwrap(), br#"{"filter":1,"paging":{"after":7}}"#);
        assert_eq!(Target::BodyField(path("paging.after")).number_in(&request), Some(7));
    }

    #[test]
    fn value_in_a_form_or_parameter_is_text() {
        let mut request = Request::post("/x?page=1").with_form(vec![("offset".into(), "0".into())]);
        for (target, value) in [(Target::BodyField(path("offset")), 50), (Target::Parameter("page".into()), 2)] {
            target.set(&mut request, &Json::from(value));
            assert_eq!(target.number_in(&request), Some(value));
        }
        assert_eq!(request.body_bytes().unwrap(), b"offset=50");
    }
}
