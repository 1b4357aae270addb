//! Sound connectors that are written otherwise than that of `community-connector new`.

use crate::list::{MANIFEST, Mutation, edited};

const BY_KEYSET: (&str, &str, &str) =
    (MANIFEST, "{from: updated_since, order: ascending}", "{from: updated_since, order: ascending, ceiling: 1000}");
const REPLACED: (&str, &str, &str) =
    (MANIFEST, "description: Comments on tickets\n    ingestion_type: append", "ingestion_type: cdc");

/// Each with the table that is tried; no check of it may fail.
pub(crate) const VARIANTS: &[Mutation] = &[
    edited("", "tickets", "a list that ends at a ceiling", &[BY_KEYSET]),
    edited("", "comments", "children, only added, of a list that ends at a ceiling", &[BY_KEYSET]),
    edited("", "comments", "children that are replaced", &[REPLACED]),
    edited("", "comments", "children that are replaced, of a list that ends at a ceiling", &[BY_KEYSET, REPLACED]),
];
