//! Sound connectors that are written otherwise than that of `community-connector new`.

use crate::list::{MANIFEST, Mutation, edited};

const BY_KEYSET: (&str, &str, &str) =
    (MANIFEST, "{from: updated_since, order: ascending}", "{from: updated_since, order: ascending, ceiling: 1000}");
const REPLACED: (&str, &str, &str) =
    (MANIFEST, "description: Comments on tickets\n    ingestion_type: append", "ingestion_type: cdc");

const WITH_TYPED_PARAMETERS: (&str, &str, &str) = (
    MANIFEST,
    "    token: {",
    "    account: {type: integer, required: true}\n    begun: {type: timestamp, required: true}\n    \
     pin: {type: integer, secret: true, required: true}\n    token: {",
);
const BY_PAIR: [(&str, &str, &str); 3] = [
    (
        MANIFEST,
        "bearer: \"{{ connection.token }}\"",
        "basic: {username: \"{{ connection.key }}\", password: \"{{ connection.token }}\"}",
    ),
    (MANIFEST, "    token: {", "    key: {secret: true, required: true}\n    token: {"),
    ("simulator/endpoints.yaml", "auth: [bearer]", "auth: [{basic_pair: {user: key, password: token}}]"),
];

/// Each with the table that is tried; no check of it may fail.
pub(crate) const VARIANTS: &[Mutation] = &[
    edited("", "tickets", "a list that ends at a ceiling", &[BY_KEYSET]),
    edited("", "comments", "children, only added, of a list that ends at a ceiling", &[BY_KEYSET]),
    edited("", "comments", "children that are replaced", &[REPLACED]),
    edited("", "comments", "children that are replaced, of a list that ends at a ceiling", &[BY_KEYSET, REPLACED]),
    edited("", "agents", "required parameters that are no text", &[WITH_TYPED_PARAMETERS]),
    edited("", "agents", "user and password that are both secret", &BY_PAIR),
];
