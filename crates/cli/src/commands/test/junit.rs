//! The report as JUnit XML: a suite for the source and each table, a case for each check.

use std::fmt::Write;
use std::path::Path;

use lakeflow_conformance::{CaseReport, Verdict};
use lakeflow_interface::{Error, ErrorKind, Result};
use quick_xml::escape::escape;

use super::report::names;

/// Writes the file.
pub(super) fn write(path: &Path, reports: &[CaseReport]) -> Result<()> {
    std::fs::write(path, xml(reports)).map_err(|error| {
        let message = format!("the report `{}` cannot be written", path.display());
        Error::new(ErrorKind::Configuration, message).with_cause(error)
    })
}

fn xml(reports: &[CaseReport]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for table in names(reports) {
        let cases: Vec<&CaseReport> = reports.iter().filter(|report| report.table.as_deref() == table).collect();
        let name = suite_name(cases[0]);
        let count = |wanted: fn(&Verdict) -> bool| cases.iter().filter(|case| wanted(&case.verdict)).count();
        let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        let seconds: f64 = cases.iter().map(|case| case.duration.as_secs_f64()).sum();
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\" time=\"{seconds:.3}\">",
            cases.len()
        );
        cases.iter().for_each(|report| text += &case(report, &name));
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

fn suite_name(report: &CaseReport) -> String {
    let name = match &report.table {
        Some(table) => format!("{}.{table}", report.source),
        None => report.source.clone(),
    };
    escape(&name).into_owned()
}

fn case(report: &CaseReport, suite: &str) -> String {
    let seconds = report.duration.as_secs_f64();
    let head = format!("    <testcase classname=\"{suite}\" name=\"{}\" time=\"{seconds:.3}\"", report.check);
    match &report.verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Skipped(reason) => format!("{head}><skipped message=\"{}\"/></testcase>\n", attribute(reason)),
        Verdict::Failed(finding) => {
            let body = finding.to_string();
            format!(
                "{head}><failure message=\"{}\">{}</failure></testcase>\n",
                attribute(&format!("expected {}", finding.expected)),
                escape(printable(&body)),
            )
        }
    }
}

fn attribute(text: &str) -> String {
    escape(printable(text)).replace('\n', "&#10;")
}

/// Without the control characters that XML cannot hold.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() || matches!(character, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn cases_stand_in_the_suites_of_their_tables() {
        let report = |table: Option<&str>, check, verdict| CaseReport {
            source: "shop".to_owned(),
            table: table.map(str::to_owned),
            check,
            verdict,
            notes: Vec::new(),
            duration: Duration::from_millis(1500),
        };
        let reports = [
            report(None, "table_names_are_unique", Verdict::Passed),
            report(Some("orders"), "schema_is_stable", Verdict::Skipped("a <reason>".to_owned())),
        ];
        insta::assert_snapshot!(xml(&reports), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="shop" tests="1" failures="0" skipped="0" time="1.500">
            <testcase classname="shop" name="table_names_are_unique" time="1.500"/>
          </testsuite>
          <testsuite name="shop.orders" tests="1" failures="0" skipped="1" time="1.500">
            <testcase classname="shop.orders" name="schema_is_stable" time="1.500"><skipped message="a &lt;reason&gt;"/></testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
