//! The mutations: what is done to a sound connector, and the check that must see it.

use std::sync::Arc;

use lakeflow_interface::LakeflowConnect;

use crate::breakage::{self, Breakage};
use crate::deleting::deleting;
use crate::splitting;

type Ability = fn(Arc<dyn LakeflowConnect>) -> Arc<dyn LakeflowConnect>;

/// What is done to a sound connector, and the check that must see it.
#[derive(Clone, Copy)]
pub(crate) struct Mutation {
    /// The check.
    pub(crate) check: &'static str,
    /// In words.
    pub(crate) what: &'static str,
    /// The table that is tried.
    pub(crate) table: &'static str,
    /// File, text, other text.
    pub(crate) edits: &'static [(&'static str, &'static str, &'static str)],
    /// What the connector can do besides; sound where `sound_ability` says another.
    pub(crate) ability: Option<Ability>,
    sound_ability: Option<Ability>,
    /// What is done to its connectors.
    pub(crate) breakage: Option<Breakage>,
}

impl Mutation {
    /// The same connector without the fault.
    pub(crate) fn undone(&self) -> Self {
        Self { edits: &[], breakage: None, ability: self.sound_ability.or(self.ability), ..*self }
    }

    const fn of(self, ability: Ability) -> Self {
        Self { ability: Some(ability), ..self }
    }

    const fn instead_of(self, ability: Ability) -> Self {
        Self { sound_ability: Some(ability), ..self }
    }

    const fn and(self, breakage: Breakage) -> Self {
        Self { breakage: Some(breakage), ..self }
    }
}

/// The words of a connection that has user and password the wrong way round.
const SWAPPED: &str = "basic: {username: \"{{ connection.token }}\", password: \"{{ connection.key }}\"}";

type Edits = &'static [(&'static str, &'static str, &'static str)];

/// A mutation of the source's files.
pub(crate) const fn edited(check: &'static str, table: &'static str, what: &'static str, edits: Edits) -> Mutation {
    Mutation { check, what, table, edits, ability: None, sound_ability: None, breakage: None }
}

/// A mutation of the connector.
const fn broken(check: &'static str, table: &'static str, what: &'static str, breakage: Breakage) -> Mutation {
    edited(check, table, what, &[]).and(breakage)
}

pub(crate) const MANIFEST: &str = "connector.yaml";
const ENDPOINTS: &str = "simulator/endpoints.yaml";
const EXCLUSIVE: Edits = &[(ENDPOINTS, "field: updated_at, op: gte", "field: updated_at, op: gt")];
const NO_PAGES: Edits = &[(MANIFEST, "pagination: link_header", "pagination: none")];
const WRONG_CURSOR: Edits = &[(MANIFEST, "cursor_field: updated_at", "cursor_field: created_at")];

/// All mutations.
pub(crate) const MUTATIONS: &[Mutation] = &[
    broken("table_names_are_unique", "agents", "a table is listed twice", breakage::names_a_table_twice),
    broken("unknown_table_is_an_error", "tickets", "errors say nothing", breakage::says_little),
    broken("schema_is_stable", "tickets", "the schema changes from call to call", breakage::changes_its_schema),
    broken("keys_are_columns", "tickets", "a key is no column", breakage::names_a_key_that_is_no_column),
    broken("unknown_option_is_an_error", "tickets", "unknown options are ignored", breakage::ignores_unknown_options),
    edited(
        "missing_option_is_an_error",
        "agents",
        "a required option is guessed",
        &[
            (MANIFEST, "request: /v1/agents", "options: [{region: {required: true}}]\n    request: /v1/agents"),
            (ENDPOINTS, "auth: [bearer]", "constants: {region: north}\nauth: [bearer]"),
        ],
    )
    .and(breakage::guesses_a_required_option),
    edited(
        "rows_fit_the_schema",
        "tickets",
        "a column has another type",
        &[(MANIFEST, "subject STRING", "subject BIGINT")],
    ),
    edited(
        "not_null_holds",
        "agents",
        "a column that may be null is NOT NULL",
        &[(MANIFEST, "email STRING", "email STRING NOT NULL")],
    ),
    edited(
        "keys_are_not_null",
        "agents",
        "the key is a column that may be null",
        &[(MANIFEST, "primary_keys: [id]\n    request: /v1/agents", "primary_keys: [email]\n    request: /v1/agents")],
    ),
    edited(
        "every_column_appears",
        "agents",
        "a column that no record has",
        &[(MANIFEST, "email STRING", "email STRING, phone STRING")],
    ),
    edited("fields_are_declared", "tickets", "a column was forgotten", &[(MANIFEST, "tags ARRAY<STRING>, ", "")]),
    edited(
        "rows_are_those_of_the_source",
        "tickets",
        "rows lie before the default `start_date`",
        &[(MANIFEST, "order: ascending}", "order: ascending, start_date: \"2026-01-01\"}")],
    ),
    edited("rows_are_those_of_the_source", "tickets", "only the first page is read", NO_PAGES),
    edited(
        "rows_are_those_of_the_source",
        "tickets",
        "closed tickets are left out",
        &[(MANIFEST, "state: {default: all", "state: {default: open")],
    ),
    edited(
        "rows_are_those_of_the_source",
        "comments",
        "the parent's key is not in the path",
        &[(MANIFEST, "/v1/tickets/{{ parent.ticket_id }}/comments", "/v1/tickets/5003/comments")],
    ),
    edited(
        "rows_are_those_of_the_source",
        "agents",
        "the key does not tell rows apart",
        &[(MANIFEST, "primary_keys: [id]\n    request: /v1/agents", "primary_keys: [active]\n    request: /v1/agents")],
    ),
    broken("last_item_is_a_checkpoint", "agents", "no checkpoint at the end", breakage::forgets_the_last_checkpoint),
    broken("records_move_the_offset", "tickets", "the offset stands still", breakage::keeps_its_offset),
    broken("records_move_the_offset", "agents", "a snapshot has an offset", breakage::takes_an_old_cursor),
    broken("nothing_new_yields_the_start", "tickets", "each read begins anew", breakage::begins_anew_each_time),
    broken(
        "offsets_are_replayable",
        "tickets",
        "offsets tell which connector made them",
        breakage::puts_its_own_number_into_offsets,
    ),
    broken("offset_is_the_greatest_cursor", "tickets", "the offset lies behind", breakage::takes_an_old_cursor),
    edited("start_date_gives_the_later_rows", "tickets", "an exclusive bound is taken for inclusive", EXCLUSIVE),
    broken("empty_table_is_read", "tickets", "an empty list is an error", breakage::fails_where_there_is_nothing),
    edited(
        "page_size_changes_nothing",
        "tickets",
        "the first page is passed over",
        &[(MANIFEST, "pagination: link_header", "pagination: {page_number: {first: 2}}")],
    ),
    broken("batch_cap_loses_nothing", "tickets", "a row is dropped at a resume", breakage::drops_a_row_at_a_resume),
    broken("batch_cap_loses_nothing", "tickets", "the offset stands still", breakage::keeps_its_offset),
    broken("resume_equals_one_read", "tickets", "a row is dropped at a resume", breakage::drops_a_row_at_a_resume),
    broken("resume_equals_one_read", "tickets", "a row is repeated at a resume", breakage::repeats_a_row_at_a_resume),
    edited(
        "nothing_new_yields_the_start",
        "tickets",
        "a lower bound that the source does not know",
        &[(MANIFEST, "from: updated_since", "from: updated_sinc"), (ENDPOINTS, "strict: true", "strict: false")],
    ),
    edited("equal_cursors_are_not_lost", "tickets", "an exclusive bound is taken for inclusive", EXCLUSIVE),
    edited("changes_arrive_exactly", "tickets", "the cursor is when a row was made", WRONG_CURSOR),
    edited("changes_arrive_exactly", "comments", "the parent's cursor is when a row was made", WRONG_CURSOR),
    broken("deletes_arrive", "tickets", "a deleted row is not told", breakage::drops_a_deleted_row).of(deleting),
    broken("reads_end", "tickets", "it reads on as long as anything is new", breakage::chases_the_end),
    broken("rows_behind_the_horizon_wait", "tickets", "the horizon is ignored", breakage::does_not_see_the_horizon),
    edited(
        "passing_faults_lose_nothing",
        "agents",
        "nothing is tried again",
        &[(MANIFEST, "  pagination: link_header", "  retry: {attempts: 1}\n  pagination: link_header")],
    ),
    broken(
        "children_name_their_parents",
        "comments",
        "comments are given to a ticket that there is not",
        breakage::gives_children_to_a_stranger,
    ),
    broken("failed_page_fails_the_read", "agents", "errors are swallowed", breakage::swallows_errors),
    edited(
        "failed_page_fails_the_read",
        "agents",
        "a refused request counts as no records",
        &[(MANIFEST, "request: /v1/agents", "errors: {400: skip}\n    request: /v1/agents")],
    ),
    edited(
        "connection_is_checked",
        "agents",
        "the request of the check is misspelt",
        &[(MANIFEST, "check: /v1/me", "check: /v1/mee")],
    ),
    edited(
        "connection_is_checked",
        "agents",
        "the secret is sent as the user",
        &[
            (
                MANIFEST,
                "bearer: \"{{ connection.token }}\"",
                "basic: {username: \"{{ connection.token }}\", password: X}",
            ),
            (ENDPOINTS, "auth: [bearer]", "auth: [basic]"),
        ],
    ),
    edited(
        "connection_is_checked",
        "agents",
        "user and password, both secret, are swapped",
        &[
            (MANIFEST, "bearer: \"{{ connection.token }}\"", SWAPPED),
            (MANIFEST, "    token: {", "    key: {secret: true, required: true}\n    token: {"),
            (ENDPOINTS, "auth: [bearer]", "auth: [{basic_pair: {user: key, password: token}}]"),
        ],
    ),
    edited(
        "auth_failure_names_the_parameter",
        "agents",
        "an unknown user counts as no records",
        &[(MANIFEST, "request: /v1/agents", "errors: {401: skip}\n    request: /v1/agents")],
    ),
    broken("auth_failure_names_the_parameter", "tickets", "errors say nothing", breakage::says_little),
    broken("no_secret_is_shown", "agents", "the token is logged", breakage::logs_the_token),
    edited("partitions_are_stable", "tickets", "the order of the parts changes", &[])
        .of(splitting::splitting_in_any_order)
        .instead_of(splitting::splitting),
    edited("partitions_cover_the_table_once", "tickets", "two parts overlap", &[])
        .of(splitting::splitting_with_overlap)
        .instead_of(splitting::splitting),
    edited("equal_offsets_have_no_partitions", "tickets", "a range without a length has parts", &[])
        .of(splitting::splitting_nothing)
        .instead_of(splitting::splitting),
    edited("partitions_give_what_is_new", "tickets", "the start of a range is in it", &[])
        .of(splitting::splitting_with_its_start)
        .instead_of(splitting::splitting),
    broken("written_rows_are_read", "tickets", "a row is dropped at a resume", breakage::drops_a_row_at_a_resume),
    broken("written_deletes_arrive", "tickets", "a deleted row is not told", breakage::drops_a_deleted_row)
        .of(deleting),
];
