//! What is told apart from what is random: opaque texts, ids made at random, moments and durations.

/// Texts that nobody can read, ids made at random, moments and durations.
pub(super) fn settle(text: &str) -> String {
    let mut settled = String::with_capacity(text.len());
    // long runs of letters and digits are cursors, ids, versions, digests
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut rest = text;
    while let Some(at) = rest.find(is_part) {
        settled.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let opaque = word.len() > 30 || word.len() > 20 && word.chars().all(|c| c.is_ascii_digit() || c == '-');
        settled.push_str(if opaque { "OPAQUE" } else { word });
        rest = &rest[end..];
    }
    settled.push_str(rest);
    timeless(&settled)
}

/// Digits of times, rates, durations and processes.
fn timeless(text: &str) -> String {
    let mut told = text.to_owned();
    for mark in ["\"rate\":", "\"secondsLeft\":", "took\":", "\"milliseconds\":", "running in process "] {
        let mut from = 0;
        while let Some(at) = told[from..].find(mark).map(|at| from + at + mark.len()) {
            let end = told[at..].find([',', '}', '"']).map_or(told.len(), |end| at + end);
            told.replace_range(at..end, "0");
            from = at;
        }
    }
    // RFC 3339 with today's year and later: the documents' own dates are of 2024
    let mut out = String::new();
    let mut rest = told.as_str();
    while let Some(at) = rest.find("202").filter(|at| rest.len() > at + 11) {
        let date = &rest[at..at + 11];
        let is_now = !date.starts_with("2024") && date.as_bytes()[4] == b'-' && date.ends_with('T');
        out.push_str(&rest[..at]);
        if is_now {
            let end = rest[at..].find(|c: char| !(c.is_ascii_digit() || "-:.TZ".contains(c))).map_or(rest.len(), |end| at + end);
            out.push_str("NOW");
            rest = &rest[end..];
        } else {
            out.push_str(date);
            rest = &rest[at + 11..];
        }
    }
    out.push_str(rest);
    out
}
