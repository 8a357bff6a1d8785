//! Values as the index holds them: whole numbers that sort as the values do, and terms as bytes.

use std::net::IpAddr;

use super::super::value::mapped;

/// Doubles in their order; negative zero stands right before zero.
pub(super) fn of_double(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The double that such a number stands for.
pub(super) fn to_double(code: i64) -> f64 {
    f64::from_bits((code ^ (((code >> 63) as u64) >> 1) as i64) as u64)
}

/// Addresses as 32 hexadecimal digits: their order is that of the 16 bytes, IPv4 inside IPv6.
pub(super) fn of_address(address: IpAddr) -> String {
    format!("{:032x}", u128::from(mapped(address)))
}

/// The beginning of all terms of a path.
pub(super) fn term_prefix(path: &str) -> Vec<u8> {
    let mut term = Vec::with_capacity(path.len() + 1 + 16);
    term.extend_from_slice(path.as_bytes());
    term.push(0);
    term
}

pub(super) fn text_term(path: &str, value: &str) -> Vec<u8> {
    let mut term = term_prefix(path);
    term.extend_from_slice(value.as_bytes());
    term
}

pub(super) fn number_term(path: &str, code: i64) -> Vec<u8> {
    let mut term = term_prefix(path);
    term.extend_from_slice(&((code as u64) ^ (1 << 63)).to_be_bytes());
    term
}

/// Of a field that has no column (places, vectors, elements): it has a value.
pub(super) fn presence_term(path: &str) -> Vec<u8> {
    term_prefix(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_keep_their_order() {
        let values = [f64::NEG_INFINITY, -1e300, -1.5, -f64::MIN_POSITIVE, -0.0, 0.0, 1e-300, 0.1, 7.0, f64::INFINITY];
        for pair in values.windows(2) {
            assert!(of_double(pair[0]) < of_double(pair[1]), "{pair:?}");
            assert_eq!(to_double(of_double(pair[0])).to_bits(), pair[0].to_bits());
        }
    }

    #[test]
    fn addresses_keep_their_order() {
        let code = |text: &str| of_address(text.parse().unwrap());
        assert!(code("::1") < code("10.0.0.1"));
        assert_eq!(code("::ffff:10.0.0.1"), code("10.0.0.1"));
    }
}
