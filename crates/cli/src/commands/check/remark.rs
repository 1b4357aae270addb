//! `Remark`: one thing that is wrong in the folder of a source, and where.

use std::fmt;

use lakeflow_interface::Error;
use lakeflow_manifest::Place;
use serde::Serialize;

use crate::catalog::Source;

/// One thing that is wrong in the folder of a source, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Remark {
    file: String,
    line: Option<u64>,
    column: Option<u64>,
    message: String,
    hint: Option<String>,
}

impl Remark {
    /// A remark on a file of a source.
    pub(super) fn new(source: &Source, file: &str, place: Option<Place>, message: impl Into<String>) -> Self {
        Self {
            file: source.file_name(file),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: message.into(),
            hint: None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An error of the simulator's definition or of the suite's instructions, with the place that it names.
    pub(super) fn of_error(source: &Source, error: &Error) -> Self {
        let file = error.context("file").unwrap_or(crate::catalog::MANIFEST);
        let is_simulators = file.ends_with(".json") || file.ends_with("endpoints.yaml");
        let file =
            if is_simulators && !file.starts_with("simulator/") { format!("simulator/{file}") } else { file.into() };
        let place = error.context("place").and_then(|place| place.split_once(':'));
        let place =
            place.and_then(|(line, column)| Some(Place { line: line.parse().ok()?, column: column.parse().ok()? }));
        let key = error.context("key").map(|key| format!("`{key}`: ")).unwrap_or_default();
        let mut remark = Self::new(source, &file, place, format!("{key}{}", error.message()));
        if std::path::Path::new(&file).is_absolute() {
            remark.file = file;
        }
        remark.hint = error.hint().map(str::to_owned);
        remark
    }
}

/// `FILE:LINE:COLUMN: MESSAGE; HINT`
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}
