//! The generic suite: what every connector must keep to, whatever its source.
//!
//! A [`Subject`] is a connector with all that is needed to try it; [`CHECKS`] is what is tried. [`cases`] pairs the two,
//! and [`Case::run`] gives a [`CaseReport`] whose [`Finding`] says what was expected, what was found, where, and what to
//! do about it. Nothing here knows a source, or the connector language.

mod bench;
mod case;
mod check;
mod checks;
mod comparison;
mod finding;
mod instructions;
mod log;
mod reading;
mod subject;
mod survey;

pub use case::{Case, CaseReport, Verdict, cases};
pub use check::{Check, Need, Scope};
pub use checks::CHECKS;
pub use finding::Finding;
pub use instructions::Instructions;
pub use subject::{Connect, Input, Subject};
pub use survey::{Survey, survey, try_connection};
