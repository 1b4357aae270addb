//! Numbers, sizes and times as people read them.

use std::time::Duration;

use indicatif::{DecimalBytes, HumanCount};

/// `1,234`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `1 row`, `1,234 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(number)),
        (_, None) => format!("{} {noun}s", count(number)),
    }
}

/// `12.34 MB`.
pub(crate) fn bytes(number: u64) -> String {
    DecimalBytes(number).to_string()
}

/// `0.12 s`, `12.3 s`, `2 m 05 s`, `3 h 02 m`.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let whole = duration.as_secs();
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(counted(1, "retry"), "1 retry");
        assert_eq!(counted(2, "retry"), "2 retries");
        assert_eq!(counted(12_345, "row"), "12,345 rows");
        assert_eq!(bytes(12_340_000), "12.34 MB");
        let shown = [123, 12_340, 125_000, 10_920_000].map(|milliseconds| time(Duration::from_millis(milliseconds)));
        assert_eq!(shown, ["0.12 s", "12.3 s", "2 m 05 s", "3 h 02 m"]);
    }
}
