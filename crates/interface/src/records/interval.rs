//! Intervals, read from ISO 8601 durations and from the text that Spark shows.

/// The months of `P1Y2M` or `1-2`, either with a minus sign before it.
pub(super) fn year_month(text: &[u8]) -> Option<i32> {
    let (sign, text) = sign(text.trim_ascii());
    let months = match text.strip_prefix(b"P") {
        Some(parts) => sum_of_parts(parts, &[(b'Y', 12), (b'M', 1)])?,
        None => {
            let dash = text.iter().position(|byte| *byte == b'-')?;
            let months = whole(&text[dash + 1..]).filter(|months| *months < 12)?;
            whole(&text[..dash])?.checked_mul(12)?.checked_add(months)?
        }
    };
    i32::try_from(sign * months).ok()
}

/// The microseconds of `P1DT2H3M4.5S`, `1 02:03:04.5` or `02:03:04.5`, each with a minus sign before it.
pub(super) fn day_time(text: &[u8]) -> Option<i64> {
    let (sign, text) = sign(text.trim_ascii());
    let micros = match text.strip_prefix(b"P") {
        Some(parts) => iso_day_time(parts)?,
        None => clock_day_time(text)?,
    };
    Some(sign * micros)
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn iso_day_time(parts: &[u8]) -> Option<i64> {
    const DAYS: &[(u8, i64)] = &[(b'W', 7 * DAY), (b'D', DAY)];
    const TIMES: &[(u8, i64)] = &[(b'H', 3600 * SECOND), (b'M', 60 * SECOND), (b'S', SECOND)];
    match parts.iter().position(|byte| *byte == b'T') {
        None => sum_of_parts(parts, DAYS),
        Some(0) => sum_of_parts(&parts[1..], TIMES),
        Some(split) => sum_of_parts(&parts[..split], DAYS)?.checked_add(sum_of_parts(&parts[split + 1..], TIMES)?),
    }
}

fn clock_day_time(text: &[u8]) -> Option<i64> {
    let (days, clock) = match text.iter().position(|byte| *byte == b' ') {
        Some(space) => (whole(&text[..space])?, &text[space + 1..]),
        None => (0, text),
    };
    let mut parts = clock.split(|byte| *byte == b':');
    let (hours, minutes, seconds) = (whole(parts.next()?)?, whole(parts.next()?)?, micros_of(parts.next()?)?);
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds >= 60 * SECOND {
        return None;
    }
    days.checked_mul(DAY)?.checked_add((hours * 3600 + minutes * 60) * SECOND + seconds)
}

/// The sum of numbers that each have one of these units behind them, in this order; at least one.
fn sum_of_parts(mut text: &[u8], mut units: &[(u8, i64)]) -> Option<i64> {
    let mut sum = 0_i64;
    loop {
        let end = text.iter().position(u8::is_ascii_alphabetic)?;
        let position = units.iter().position(|(unit, _)| *unit == text[end])?;
        let part = match units[position] {
            (b'S', _) => micros_of(&text[..end])?,
            (_, size) => whole(&text[..end])?.checked_mul(size)?,
        };
        sum = sum.checked_add(part)?;
        text = &text[end + 1..];
        units = &units[position + 1..];
        if text.is_empty() {
            return Some(sum);
        }
    }
}

fn sign(text: &[u8]) -> (i64, &[u8]) {
    match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    }
}

fn whole(digits: &[u8]) -> Option<i64> {
    super::exact_number::short_integer(digits).filter(|_| digits[0] != b'-')
}

/// Seconds with up to six digits behind the point, in microseconds.
fn micros_of(text: &[u8]) -> Option<i64> {
    let number = super::exact_number::ExactNumber::parse(text)?;
    text[0].is_ascii_digit().then_some(number.scaled(6)).flatten().and_then(|micros| i64::try_from(micros).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_in_both_forms() {
        assert_eq!(year_month(b"P1Y2M"), Some(14));
        assert_eq!(year_month(b"-1-2"), Some(-14));
        assert_eq!(year_month(b"P3M"), Some(3));
        assert_eq!(day_time(b"P1DT2H3M4.5S"), Some(DAY + 7_384_500_000));
        assert_eq!(day_time(b"1 02:03:04.5"), Some(DAY + 7_384_500_000));
        assert_eq!(day_time(b"-PT15M"), Some(-900 * SECOND));
        assert_eq!(day_time(b"P2W"), Some(14 * DAY));
        assert_eq!(day_time(b"02:03:04"), Some(7_384 * SECOND));
    }

    #[test]
    fn other_text_is_not_an_interval() {
        for text in ["", "P", "P1", "P1D", "1", "1-12", "P1M2Y", "-", "1-", "P99999999999Y", "P1Y-2M"] {
            assert_eq!(year_month(text.as_bytes()), None, "{text}");
        }
        for text in
            ["", "P", "PT", "P1DT", "P1Y", "1", "25:00:00", "1 2", "PT1.1234567S", "P999999999999999D", "1:2:3:4"]
        {
            assert_eq!(day_time(text.as_bytes()), None, "{text}");
        }
    }
}
