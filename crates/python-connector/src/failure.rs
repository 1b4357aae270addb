//! What went wrong in a worker, as an error that says what to do.

use lakeflow_interface::{Error, ErrorKind, unknown_name};

use crate::mask::Mask;
use crate::protocol::Told;
use crate::settings::PythonSettings;

/// Classes of exceptions that say that the source or the network did not answer.
const UNAVAILABLE: [&str; 4] = ["ConnectionError", "TimeoutError", "Timeout", "TransportError"];

impl Told {
    /// The error; every text is masked.
    pub(crate) fn into_error(self, method: &'static str, settings: &PythonSettings, mask: &Mask) -> Error {
        let name = settings.connector.as_str();
        let message = mask.text(&self.message);
        let error = match self.kind.as_str() {
            "raised" => return self.raised(method, settings, mask),
            "module" => Error::new(ErrorKind::Configuration, message).with_hint(format!(
                "run it in the folder that has the module, or name that folder in `PYTHONPATH`; a package must be \
                 installed for `{}`",
                settings.python.display()
            )),
            "class" => {
                let names = || self.known.iter().map(String::as_str);
                unknown_name(ErrorKind::Configuration, "class", settings.connector.class(), names())
            }
            "incomplete" if !self.known.is_empty() => Error::new(ErrorKind::Definition, message)
                .with_hint(format!("a connector has all of them; connectors of the module: {}", self.known.join(", "))),
            "incomplete" => Error::new(ErrorKind::Definition, message).with_hint(
                "derive the class from `databricks.labs.community_connector.interface.LakeflowConnect`, and write them",
            ),
            "value" => Error::new(ErrorKind::Definition, message)
                .with_hint("give text, a number, a date, bytes, a list or a dictionary instead"),
            _ => Error::new(ErrorKind::Definition, message)
                .with_hint("the interface's docstrings say what each method returns"),
        };
        error.with_context("connector", name)
    }

    fn raised(self, method: &'static str, settings: &PythonSettings, mask: &Mask) -> Error {
        tracing::info!(connector = %settings.connector, method, "{}", mask.text(&self.traceback));
        let message = mask.text(&self.message);
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let text = format!("the connector raised `{}` in `{method}`{said}", self.class);
        let mut error =
            Error::new(self.error_kind(method), text).with_context("connector", settings.connector.as_str());
        if let Some(place) = &self.place {
            error = error.with_context("at", mask.text(place));
        }
        if let Some(cause) = &self.cause {
            error = error.with_cause(mask.text(cause));
        }
        match self.hint(method, settings) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn error_kind(&self, method: &str) -> ErrorKind {
        let is_a = |class: &str| self.classes.iter().any(|known| known == class);
        match self.status {
            Some(401) => return ErrorKind::Authentication,
            Some(403) => return ErrorKind::Permission,
            Some(404) => return ErrorKind::NotFound,
            Some(429) => return ErrorKind::RateLimited,
            Some(500..) => return ErrorKind::Unavailable,
            _ => {}
        }
        if UNAVAILABLE.into_iter().any(is_a) {
            ErrorKind::Unavailable
        } else if is_a("NotImplementedError") {
            ErrorKind::Unsupported
        } else if is_a("PermissionError") {
            ErrorKind::Permission
        } else if is_a("ImportError") || (method == "__init__" && (is_a("ValueError") || is_a("LookupError"))) {
            ErrorKind::Configuration
        } else {
            ErrorKind::Definition
        }
    }

    fn hint(&self, method: &str, settings: &PythonSettings) -> Option<String> {
        let python = settings.python.display();
        if let Some(module) = &self.module {
            let package = module.split('.').next().unwrap_or(module);
            let install = format!("`{python} -m pip install {package}`, or choose another Python with `--python`");
            return Some(match package {
                "pyspark" => format!("{install}; a connector that gives its schemas as Spark SQL DDL needs no PySpark"),
                _ => install,
            });
        }
        if method == "read_table_deletes" && self.classes.iter().any(|class| class == "NotImplementedError") {
            return Some("write `read_table_deletes`, or let the table's ingestion type be `cdc`".to_owned());
        }
        let is_option = method == "__init__" && self.classes.iter().any(|class| class == "LookupError");
        is_option.then(|| {
            "the connector's constructor is given the options of the connection and of the table: is one missing?"
                .to_owned()
        })
    }
}
