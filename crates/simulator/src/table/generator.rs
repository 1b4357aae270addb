//! Generators: objects of a template with a key such as `$int`.

use lakeflow_interface::{ErrorKind, Result, unknown_name};

use super::compile::{Compiler, Place, is_generator, rendered_key};
use super::expression::{self, Expression};
use super::node::{Condition, Name, Node, Part, Scope, Shift, ToldPart};
use crate::definition::Json;
use crate::instant::InstantFormat;
use crate::random::threshold;
use crate::vocabulary::Vocabulary;

/// The generators with the options that each takes.
const GENERATORS: [(&str, &[&str]); 19] = [
    ("$number", &[]),
    ("$int", &[]),
    ("$float", &["decimals"]),
    ("$bool", &[]),
    ("$choice", &["weights", "at"]),
    ("$words", &["vocabulary"]),
    ("$text", &["vocabulary"]),
    ("$hex", &[]),
    ("$uuid", &[]),
    ("$timestamp", &["rows_per_instant", "format"]),
    ("$after", &["within", "by", "format"]),
    ("$before", &["within", "by", "format"]),
    ("$optional", &["present"]),
    ("$if", &["then", "else"]),
    ("$field", &[]),
    ("$row", &["at", "field", "fields"]),
    ("$list", &["of"]),
    ("$event", &[]),
    ("$json", &[]),
];

/// The options of a generator.
#[derive(Clone, Copy)]
struct Options<'a>(&'a [(String, Json)]);

impl<'a> Options<'a> {
    fn get(self, name: &str) -> Option<&'a Json> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<'a> Compiler<'a> {
    /// Compiles a generator.
    pub(crate) fn generator(
        &mut self,
        name: &str,
        main: &'a Json,
        fields: &'a [(String, Json)],
        place: &Place,
    ) -> Result<Node> {
        self.check_options(name, fields, place)?;
        let options = Options(fields);
        let at = &place.key(name);
        match name {
            "$number" => {
                let text = self.string(main, at)?;
                let parsed = expression::parse(text).map_err(|message| self.mistake(at, message))?;
                Ok(Node::Number(self.resolve(parsed, at)?))
            }
            "$int" => self.range(main, at).map(|[low, high]| Node::Integer { low, high }),
            "$float" => self.decimal(main, options, at),
            "$bool" => Ok(Node::Bool { threshold: threshold(self.probability(main, at)?) }),
            "$choice" => self.choice(main, options, at),
            "$words" | "$text" => self.prose(name, main, options, at),
            "$hex" => match self.integer(main, at)? {
                digits @ 1..=1024 => Ok(Node::Hexadecimal { digits: digits as usize }),
                other => Err(self.mistake(at, format!("expected 1 to 1024 digits, found `{other}`"))),
            },
            "$uuid" => Ok(Node::Uuid),
            "$timestamp" => self.timestamp(main, options, at),
            "$after" => self.shifted(1, main, options, at),
            "$before" => self.shifted(-1, main, options, at),
            "$optional" => {
                let present = options.get("present").map_or(Ok(0.5), |value| self.probability(value, at))?;
                Ok(Node::Optional { threshold: threshold(present), value: self.value(main, at)? })
            }
            "$if" => self.condition(main, options, at),
            "$field" => self.copy(main, at),
            "$row" => self.row(main, options, at),
            "$event" => self.event(main, at),
            "$json" => Ok(Node::Encoded(self.value(main, at)?)),
            _ => self.list(main, options, at),
        }
    }

    fn check_options(&self, name: &str, fields: &[(String, Json)], place: &Place) -> Result<()> {
        let Some((_, options)) = GENERATORS.iter().find(|(known, _)| *known == name) else {
            return Err(self.unknown("generator", name, GENERATORS.map(|(known, _)| known), place));
        };
        for (key, _) in fields.iter().filter(|(key, _)| key != name) {
            if is_generator(key) {
                return Err(self.mistake(place, format!("expected one generator, found `{name}` and `{key}`")));
            }
            if !options.contains(&key.as_str()) {
                return Err(self.unknown(&format!("option of `{name}`"), key, options.iter().copied(), place));
            }
        }
        Ok(())
    }

    fn unknown<'n>(
        &self,
        what: &str,
        name: &str,
        valid: impl IntoIterator<Item = &'n str> + Clone,
        place: &Place,
    ) -> lakeflow_interface::Error {
        let at = self.mistake(place, "");
        let error = unknown_name(ErrorKind::Definition, what, name, valid);
        ["file", "key"].into_iter().fold(error, |error, context| match at.context(context) {
            Some(value) => error.with_context(context, value),
            None => error,
        })
    }

    fn string(&self, json: &'a Json, place: &Place) -> Result<&'a str> {
        match json {
            Json::Text(text) => Ok(text),
            other => Err(self.mistake(place, format!("expected a string, found {}", other.kind()))),
        }
    }

    fn integer(&self, json: &Json, place: &Place) -> Result<i64> {
        match json {
            Json::Integer(value) => Ok(*value),
            other => Err(self.mistake(place, format!("expected an integer, found {}", other.kind()))),
        }
    }

    fn number(&self, json: &Json, place: &Place) -> Result<f64> {
        match json {
            Json::Integer(value) => Ok(*value as f64),
            Json::Float(value) => Ok(*value),
            other => Err(self.mistake(place, format!("expected a number, found {}", other.kind()))),
        }
    }

    fn probability(&self, json: &Json, place: &Place) -> Result<f64> {
        let value = self.number(json, place)?;
        if (0.0..=1.0).contains(&value) {
            return Ok(value);
        }
        Err(self.mistake(place, format!("expected a probability from 0 to 1, found `{value}`")))
    }

    fn range(&self, json: &Json, place: &Place) -> Result<[i64; 2]> {
        match json {
            Json::List(items) if items.len() == 2 => {
                let [low, high] = [self.integer(&items[0], place)?, self.integer(&items[1], place)?];
                if low <= high {
                    return Ok([low, high]);
                }
                Err(self.mistake(place, format!("expected the smaller number first, found `[{low}, {high}]`")))
            }
            other => Err(self.mistake(place, format!("expected `[least, greatest]`, found {}", other.kind()))),
        }
    }

    fn length_range(&self, json: &Json, place: &Place) -> Result<[i64; 2]> {
        match self.range(json, place)? {
            [(0..), (..=1_000_000)] => self.range(json, place),
            [low, high] => {
                Err(self.mistake(place, format!("expected lengths from 0 to 1000000, found `[{low}, {high}]`")))
            }
        }
    }

    fn decimal(&self, json: &Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let Json::List(items) = json else {
            return Err(self.mistake(place, format!("expected `[least, greatest]`, found {}", json.kind())));
        };
        let [low, high] = items.as_slice() else {
            return Err(self.mistake(place, "expected `[least, greatest]`"));
        };
        let decimals = match options.get("decimals").map_or(Ok(2), |value| self.integer(value, place))? {
            decimals @ 0..=12 => decimals as u32,
            other => return Err(self.mistake(place, format!("expected 0 to 12 decimals, found `{other}`"))),
        };
        let scale = 10_f64.powi(decimals as i32);
        let [low, high] = [self.number(low, place)? * scale, self.number(high, place)? * scale];
        if low > high || low.abs().max(high.abs()) > 9e18 {
            return Err(self.mistake(place, "expected the smaller number first, and at most 18 digits"));
        }
        Ok(Node::Decimal { low: low.round() as i64, high: high.round() as i64, decimals })
    }

    fn choice(&mut self, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let Json::List(items) = json else {
            return Err(self.mistake(place, format!("expected a list of values, found {}", json.kind())));
        };
        let weights = match options.get("weights") {
            None => vec![1.0; items.len()],
            Some(Json::List(weights)) => {
                weights.iter().map(|weight| self.number(weight, place)).collect::<Result<Vec<_>>>()?
            }
            Some(other) => {
                return Err(self.mistake(place, format!("expected weights in a list, found {}", other.kind())));
            }
        };
        let at = self.at(options, place)?;
        if at.is_some() && options.get("weights").is_some() {
            return Err(self.mistake(place, "expected either `weights` (at random) or `at` (which one)"));
        }
        let total: f64 = weights.iter().sum();
        if weights.len() != items.len() || !weights.iter().all(|weight| *weight >= 0.0) || total <= 0.0 {
            return Err(self.mistake(
                place,
                format!("expected {} weights, none below 0 and not all 0, found {}", items.len(), weights.len()),
            ));
        }
        let mut sum = 0.0;
        let thresholds = weights.iter().map(|weight| {
            sum += weight;
            threshold(sum / total)
        });
        let thresholds = thresholds.collect();
        let values = items.iter().enumerate().map(|(position, item)| self.value(item, &place.item(position)));
        Ok(Node::Choice { at, thresholds, options: values.collect::<Result<_>>()? })
    }

    fn prose(&self, name: &str, json: &Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let [low, high] = self.length_range(json, place)?;
        let vocabulary = match options.get("vocabulary").map(|value| self.string(value, place)).transpose()? {
            None | Some("rich") => Vocabulary::Rich,
            Some("plain") => Vocabulary::Plain,
            Some(other) => return Err(self.unknown("vocabulary", other, ["plain", "rich"], place)),
        };
        Ok(match name {
            "$words" => Node::Words { low, high, vocabulary },
            _ => Node::Prose { low, high, vocabulary },
        })
    }

    fn timestamp(&self, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let [from, to] = match json {
            Json::List(items) => match items.as_slice() {
                [from, to] => [self.past(from, place)?, self.past(to, place)?],
                _ => return Err(self.mistake(place, "expected two spans such as `[\"-730d\", \"-1h\"]`")),
            },
            other => {
                return Err(self
                    .mistake(place, format!("expected spans such as `[\"-730d\", \"-1h\"]`, found {}", other.kind())));
            }
        };
        if from > to {
            return Err(self.mistake(place, "expected the earlier instant first"));
        }
        let rows_per_instant = match options
            .get("rows_per_instant")
            .map_or(Ok(1), |value| self.integer(value, place))?
        {
            rows @ 1.. => rows as u64,
            other => {
                return Err(self.mistake(place, format!("expected `rows_per_instant` of at least 1, found `{other}`")));
            }
        };
        Ok(Node::Timestamp { from, to, rows_per_instant, format: self.format(options, place)? })
    }

    /// A span before now in milliseconds, as `-90d`; `now` is none at all.
    fn past(&self, json: &'a Json, place: &Place) -> Result<i64> {
        let text = self.string(json, place)?;
        if text == "now" {
            return Ok(0);
        }
        match text.strip_prefix('-') {
            Some(span) => self.span(span, place).map(|millis| -millis),
            None => {
                Err(self.mistake(place, format!("expected a span before now such as `-90d`, or `now`, found `{text}`")))
            }
        }
    }

    fn span(&self, text: &str, place: &Place) -> Result<i64> {
        let duration = humantime::parse_duration(text).map_err(|cause| {
            self.mistake(place, format!("expected a span such as `90d`, found `{text}`")).with_cause(cause)
        })?;
        i64::try_from(duration.as_millis())
            .ok()
            .filter(|millis| *millis < 200 * 366 * 86_400_000)
            .ok_or_else(|| self.mistake(place, format!("expected a span of at most 200 years, found `{text}`")))
    }

    fn format(&self, options: Options<'a>, place: &Place) -> Result<InstantFormat> {
        let Some(name) = options.get("format").map(|value| self.string(value, place)).transpose()? else {
            return Ok(InstantFormat::default());
        };
        match InstantFormat::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => Ok(*format),
            None => Err(self.unknown("format", name, InstantFormat::NAMES.map(|(known, _)| known), place)),
        }
    }

    fn shifted(&mut self, sign: i64, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let (text, exact) = match (options.get("by"), options.get("within")) {
            (Some(by), None) => (by, true),
            (None, Some(within)) => (within, false),
            _ => return Err(self.mistake(place, "expected either `by` (exactly) or `within` (at random)")),
        };
        let span = self.span(self.string(text, place)?, place)?;
        let base = self.string(json, place)?;
        let base = self.field_link(base, place, false);
        Ok(Node::Shifted { base, shift: Shift { sign, span, exact }, format: self.format(options, place)? })
    }

    fn condition(&mut self, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let Json::Object(fields) = json else {
            return Err(self.mistake(place, format!("expected `{{field: value}}`, found {}", json.kind())));
        };
        let mut conditions = Vec::with_capacity(fields.len());
        for (field, wanted) in fields {
            let wanted = match wanted {
                Json::List(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            let values = wanted.iter().map(|value| self.literal(value, place)).collect::<Result<Vec<_>>>()?;
            conditions.push(Condition { field: self.field_link(field, place, false), values });
        }
        let Some(then) = options.get("then") else {
            return Err(self.mistake(place, "expected `then`"));
        };
        let then = self.value(then, &place.key("then"))?;
        let otherwise = self.value(options.get("else").unwrap_or(&Json::Null), &place.key("else"))?;
        Ok(Node::If { conditions, then, otherwise })
    }

    fn copy(&mut self, json: &'a Json, place: &Place) -> Result<Node> {
        match self.string(json, place)? {
            name @ ("n" | "k" | "i") => {
                let parsed = expression::parse(name).map_err(|message| self.mistake(place, message))?;
                Ok(Node::Number(self.resolve(parsed, place)?))
            }
            path => Ok(Node::Copy(self.field_link(path, place, true))),
        }
    }

    fn event(&self, json: &'a Json, place: &Place) -> Result<Node> {
        if !self.surroundings.is_feed {
            return Err(self.mistake(place, "`$event` needs a corpus with `feed`"));
        }
        match self.string(json, place)? {
            "name" => Ok(Node::Told(ToldPart::Label)),
            "corpus" => Ok(Node::Told(ToldPart::Corpus)),
            other => Err(self.unknown("part of an event", other, ["name", "corpus"], place)),
        }
    }

    /// Which row of a corpus, or which value of some.
    fn at(&mut self, options: Options<'a>, place: &Place) -> Result<Option<Expression<Name>>> {
        let Some(at) = options.get("at") else { return Ok(None) };
        let parsed = expression::parse(self.string(at, place)?).map_err(|message| self.mistake(place, message))?;
        self.resolve(parsed, place).map(Some)
    }

    fn row(&mut self, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let name = self.string(json, place)?;
        let Some(table) = self.surroundings.tables.iter().position(|known| known == name) else {
            return Err(self.unknown("corpus", name, self.surroundings.tables.iter().map(String::as_str), place));
        };
        let at = self.at(options, place)?;
        let pool = Scope::Pool(table);
        let part = match (options.get("field"), options.get("fields")) {
            (None, None) => Part::Whole,
            (Some(field), None) => {
                let path = self.string(field, place)?;
                Part::Field(self.link(pool, path, place, true))
            }
            (None, Some(Json::List(fields))) => {
                let mut parts = Vec::with_capacity(fields.len());
                for field in fields {
                    let path = self.string(field, place)?;
                    parts.push((rendered_key(path), path.to_owned(), self.link(pool, path, place, true)));
                }
                Part::Fields(parts)
            }
            _ => return Err(self.mistake(place, "expected either `field` (one name) or `fields` (a list of names)")),
        };
        Ok(Node::Row { table, at, neighbours: false, part })
    }

    fn list(&mut self, json: &'a Json, options: Options<'a>, place: &Place) -> Result<Node> {
        let [low, high] = self.length_range(json, place)?;
        let Some(of) = options.get("of") else {
            return Err(self.mistake(place, "expected `of`, the template of an element"));
        };
        let element = self.element(of, &place.key("of"))?;
        self.draw_neighbours(element);
        Ok(Node::Repeat { low, high, element })
    }
}
