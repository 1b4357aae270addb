//! Numbers read from their text with all their digits.

/// A number exactly: its coefficient, which has no trailing zeros, times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExactNumber {
    negative: bool,
    coefficient: u128,
    exponent: i64,
}

impl ExactNumber {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, where either side of the point may be empty; nothing for other text and
    /// for more than 38 significant digits.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let split = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (digits, written_exponent) = match split {
            Some(position) => (&unsigned[..position], parse_exponent(&unsigned[position + 1..])?),
            None => (unsigned, 0),
        };
        let mut number = Self { negative, coefficient: 0, exponent: 0 };
        number.exponent = number.read_digits(digits)?.checked_add(written_exponent)?;
        Some(number)
    }

    /// Takes the digits into the coefficient; gives the power of ten that they leave.
    fn read_digits(&mut self, digits: &[u8]) -> Option<i64> {
        let mut point = None;
        let mut zeros = 0_u32;
        for (position, byte) in digits.iter().enumerate() {
            match byte {
                b'.' if point.is_none() => point = Some(position),
                b'0' => zeros += u32::from(self.coefficient != 0),
                b'1'..=b'9' => {
                    let shift = 10_u128.checked_pow(zeros + 1)?;
                    self.coefficient = self.coefficient.checked_mul(shift)?.checked_add(u128::from(byte - b'0'))?;
                    zeros = 0;
                }
                _ => return None,
            }
        }
        if self.coefficient >= 10_u128.pow(38) || digits.len() == usize::from(point.is_some()) {
            return None;
        }
        let fraction = point.map_or(0, |point| digits.len() - point - 1);
        if self.coefficient == 0 { Some(0) } else { Some(i64::from(zeros) - i64::try_from(fraction).ok()?) }
    }

    /// This number times ten to the `scale`; nothing where that is not whole, or has more than 38 digits.
    pub(super) fn scaled(self, scale: i64) -> Option<i128> {
        if self.coefficient == 0 {
            return Some(0);
        }
        let power = u32::try_from(self.exponent.checked_add(scale)?).ok()?;
        let magnitude = self.coefficient.checked_mul(10_u128.checked_pow(power)?)?;
        let magnitude = i128::try_from(magnitude).ok().filter(|magnitude| *magnitude < 10_i128.pow(38))?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// This number times ten to the `scale`, without what is behind the point then (towards minus infinity); nothing
    /// beyond 38 digits.
    pub(super) fn scaled_down(self, scale: i64) -> Option<i128> {
        let power = self.exponent.checked_add(scale)?;
        if power >= 0 || self.coefficient == 0 {
            return self.scaled(scale);
        }
        let divisor = u32::try_from(-power).ok().and_then(|power| 10_i128.checked_pow(power));
        let coefficient = i128::try_from(self.coefficient).ok()?;
        let signed = if self.negative { -coefficient } else { coefficient };
        Some(divisor.map_or(if self.negative { -1 } else { 0 }, |divisor| signed.div_euclid(divisor)))
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0_i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        exponent = (exponent * 10 + i64::from(byte - b'0')).min(1_000_000_000);
    }
    Some(if negative { -exponent } else { exponent })
}

/// A whole number of at most 18 digits, as nearly all are; nothing for any other text.
#[inline]
pub(super) fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut integer = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        integer = integer * 10 + i64::from(digit);
    }
    Some(if negative { -integer } else { integer })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, scale: i64) -> Option<i128> {
        ExactNumber::parse(text.as_bytes())?.scaled(scale)
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        assert_eq!(scaled("42", 0), Some(42));
        assert_eq!(scaled("+42.000", 0), Some(42));
        assert_eq!(scaled("42.5", 0), None);
        assert_eq!(scaled("-42.5", 1), Some(-425));
        assert_eq!(scaled("4.2e1", 0), Some(42));
        assert_eq!(scaled(".5", 2), Some(50));
        assert_eq!(scaled("5.", 0), Some(5));
        assert_eq!(scaled("0e999999999999999999999", 0), Some(0));
        assert_eq!(scaled("1e999999999999999999999", 0), None);
        let longest = "9".repeat(38);
        assert_eq!(scaled(&longest, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(scaled(&format!("{longest}.0"), 0), Some(10_i128.pow(38) - 1));
        assert_eq!(scaled(&"9".repeat(39), 0), None);
        assert_eq!(scaled(&format!("1{}e-60", "0".repeat(60)), 0), Some(1));
    }

    #[test]
    fn other_text_is_not_a_number() {
        for text in ["", "-", "+", ".", "e1", "1e", "1e+", "1_000", "0x10", "1,5", "--1", "1.2.3", "NaN", " 1"] {
            assert_eq!(ExactNumber::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn scaling_down_goes_towards_minus_infinity() {
        let down = |text: &str| ExactNumber::parse(text.as_bytes()).unwrap().scaled_down(1);
        assert_eq!(down("1.29"), Some(12));
        assert_eq!(down("-1.29"), Some(-13));
        assert_eq!(down("-1e-60"), Some(-1));
        assert_eq!(down("1e-60"), Some(0));
    }
}
