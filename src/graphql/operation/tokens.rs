//! Counts the tokens of an operation's text, before anything is built from it: in one pass and without memory.

/// So many commas and comments count as one token: they mean nothing, but the parser makes a node of each.
const IGNORED: usize = 10;

/// How many tokens the text has: names, numbers, strings and punctuation. A text that cannot be read is the parser's to
/// refuse; here each odd character counts as one token.
pub(crate) fn count(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut ignored) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b',' => {
                at += 1;
                ignored += 1;
                continue;
            }
            // the byte order mark
            0xEF if bytes[at..].starts_with(&[0xEF, 0xBB, 0xBF]) => {
                at += 3;
                ignored += 1;
                continue;
            }
            b'#' => {
                at = skip(bytes, at, |byte| !matches!(byte, b'\n' | b'\r'));
                ignored += 1;
                continue;
            }
            b'"' if bytes[at..].starts_with(b"\"\"\"") => end_of_block(bytes, at + 3),
            b'"' => end_of_string(bytes, at + 1),
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            b'-' | b'0'..=b'9' => skip(bytes, at + 1, |byte| is_word(byte) || matches!(byte, b'.' | b'+' | b'-')),
            byte if is_word(byte) => skip(bytes, at + 1, is_word),
            _ => at + 1,
        };
        tokens += 1;
    }
    tokens + ignored / IGNORED
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn skip(bytes: &[u8], from: usize, while_: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !while_(byte)).map_or(bytes.len(), |found| from + found)
}

fn end_of_string(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' | b'\r' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_grammar_calls_a_token() {
        for (text, tokens) in [
            ("", 0),
            (" ,\n\u{feff}# comment { }", 0),
            ("{ a }", 3),
            ("query($a: [Int!]! = -1.5e+3) { ...f @skip(if: $a) }", 25),
            (r#"{ a(b: "x \" { }", c: """ y \""" " """) }"#, 11),
            (r#"{ a(b: "open"#, 6),
            ("§", 2),
        ] {
            assert_eq!(count(text), tokens, "{text}");
        }
    }

    #[test]
    fn what_is_ignored_counts_where_there_is_much_of_it() {
        assert_eq!(count(&format!("{{ a(b: [{}]) }}", "1,".repeat(20))), 31);
        assert_eq!(count(&"#\n".repeat(1_000)), 100);
        assert_eq!(count(&" \n\t".repeat(1_000)), 0);
    }

    #[test]
    fn a_word_ends_where_the_spread_begins() {
        assert_eq!(count("{a...b}"), 5);
    }
}
