//! Random numbers that are pure functions of where they are needed.

/// Mixes two numbers into one that depends on every bit of both.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A number for a name, the same in every process.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed, text.len() as u64), |state, byte| mix(state, u64::from(byte)))
}

/// Maps a random number onto `0..bound`; 0 where the bound is 0.
pub(crate) fn below(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

/// Maps a random number onto `low..=high`.
pub(crate) fn between(random: u64, low: i64, high: i64) -> i64 {
    let span = (i128::from(high) - i128::from(low) + 1).clamp(1, i128::from(u64::MAX)) as u64;
    low.wrapping_add(below(random, span) as i64)
}

/// The share of all random numbers that a probability stands for: a number below it happens.
pub(crate) fn threshold(probability: f64) -> u64 {
    (probability.clamp(0.0, 1.0) * u64::MAX as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_range_are_all_reached_and_evenly() {
        let mut counts = [0_u32; 5];
        for n in 0..10_000 {
            counts[usize::try_from(between(mix(7, n), -2, 2) + 2).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (1_800..2_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn certainty_and_impossibility_hold() {
        assert!((0..1_000).all(|n| mix(1, n) < threshold(1.0)));
        assert!((0..1_000).all(|n| mix(1, n) >= threshold(0.0)));
    }
}
