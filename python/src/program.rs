//! The program `community-connector` as a console command of the wheel.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the program with the arguments of this process; gives its exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>) -> PyResult<u8> {
    let arguments: Vec<OsString> = py.import("sys")?.getattr("argv")?.extract()?;
    Ok(py.detach(|| community_connector::run(arguments)))
}
