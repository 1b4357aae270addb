//! Durations as people write them: `5m`, `90d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Reads a duration such as `250ms`, `5m` or `1h 30m`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|cause| serde::de::Error::custom(format!("`{text}` is not a duration such as `5m`: {cause}")))
}

/// Reads an optional duration.
pub(crate) fn deserialize_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Wrapped(#[serde(deserialize_with = "deserialize")] Duration);
    Option::<Wrapped>::deserialize(deserializer).map(|wrapped| wrapped.map(|Wrapped(duration)| duration))
}
