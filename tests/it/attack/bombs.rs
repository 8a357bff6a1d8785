//! Texts and bodies that are small to send and large to work on.

use std::fmt::Write as _;

/// Fragments that spread one another twice, `levels` deep: 2^levels fields.
pub fn spreads(levels: usize, field: &str) -> String {
    let mut text = String::from("query { ...F0 } ");
    for n in 0..levels {
        let _ = write!(text, "fragment F{n} on Query {{ ...F{next} ...F{next} }} ", next = n + 1);
    }
    let _ = write!(text, "fragment F{levels} on Query {{ {field} }}");
    text
}

/// The same below a field, where it is no root fields that multiply.
pub fn spreads_inside(levels: usize) -> String {
    let mut text = String::from("query { landmarks { nodes { ...F0 } } } ");
    for n in 0..levels {
        let _ = write!(text, "fragment F{n} on Landmark {{ a{n}: name ...F{next} ...F{next} }} ", next = n + 1);
    }
    let _ = write!(text, "fragment F{levels} on Landmark {{ name }}");
    text
}

pub fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// A gzip stream of `length` zeros, by the fewest bits: one literal, then copies of 258 bytes.
pub fn gzip_of_zeros(runs: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::with_capacity(runs * 13 + 32);
    let high_first = |bits: &mut Vec<bool>, code: u32, count: u32| {
        for at in (0..count).rev() {
            bits.push(code >> at & 1 == 1);
        }
    };
    // the last block, with the fixed codes
    bits.extend([true, true, false]);
    high_first(&mut bits, 0b0011_0000, 8);
    for _ in 0..runs {
        high_first(&mut bits, 0b1100_0101, 8);
        high_first(&mut bits, 0, 5);
    }
    high_first(&mut bits, 0, 7);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for byte in bits.chunks(8) {
        packed.push(byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << at));
    }
    // nobody gets as far as the check sum
    packed.extend([0; 8]);
    packed
}
