//! `_native`: the connectors for Python. This file is the table of what the module holds; each part is a file.

mod chunks;
mod connection;
mod description;
mod errors;
mod logging;
mod pipeline;
mod program;
mod read;
mod runtime;
mod sink;
mod table;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<connection::Connection>()?;
    module.add_class::<read::Read>()?;
    module.add_class::<sink::Sink>()?;
    module.add_function(wrap_pyfunction!(connection::sources, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::parse_spec, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::plan_spec, module)?)?;
    module.add_function(wrap_pyfunction!(program::main, module)?)?;
    Ok(())
}
