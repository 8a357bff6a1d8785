//! Zones as Java's patterns read them: offsets, and regions by name.

#[derive(Clone, Debug, PartialEq)]
pub(in crate::date) enum Place {
    /// Seconds east of Greenwich.
    Offset(i64),
    Region(jiff::tz::TimeZone),
}

/// `±HH`, `±HHmm` or `±HH:mm`, with seconds where `colon` is open; up to 18 hours, as in Java.
pub(in crate::date) fn offset(text: &str, colon: Option<bool>, minutes_wanted: bool) -> Option<(i64, &str)> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let two = |text: &str| -> Option<i64> {
        let digits = text.get(..2)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let hours = two(rest)?;
    rest = &rest[2..];
    let mut seconds = hours * 3_600;
    let mut with_colon = colon;
    for (place, unit) in [(0, 60), (1, 1)] {
        if place == 1 && colon.is_some() {
            break;
        }
        let (has_colon, digits) = match rest.strip_prefix(':') {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let Some(value) = two(digits).filter(|v| *v < 60 && with_colon.is_none_or(|wanted| wanted == has_colon)) else {
            if place == 0 && minutes_wanted {
                return None;
            }
            break;
        };
        with_colon = Some(has_colon);
        seconds += value * unit;
        rest = &digits[2..];
    }
    (seconds <= 18 * 3_600).then_some((sign * seconds, rest))
}

/// `Z`, an offset, `UTC`, `GMT+2`, or a region of the time zone database.
pub(in crate::date) fn place(name: &str) -> Option<Place> {
    if name == "Z" {
        return Some(Place::Offset(0));
    }
    if name.starts_with(['+', '-']) {
        let (seconds, rest) = offset(name, None, false)?;
        return rest.is_empty().then_some(Place::Offset(seconds));
    }
    for prefix in ["UTC", "GMT", "UT"] {
        if let Some(rest) = name.strip_prefix(prefix) {
            if rest.is_empty() {
                return Some(Place::Offset(0));
            }
            if rest.starts_with(['+', '-']) {
                // here, and only here, one digit does
                let padded = if rest.len() == 2 { format!("{}0{}", &rest[..1], &rest[1..]) } else { rest.to_owned() };
                let (seconds, rest) = offset(&padded, None, false)?;
                return rest.is_empty().then_some(Place::Offset(seconds));
            }
        }
    }
    let short = match name {
        "EST" => "America/Panama",
        "MST" => "America/Phoenix",
        "HST" => "Pacific/Honolulu",
        other => other,
    };
    let zone = jiff::tz::TimeZone::get(short).ok()?;
    // the database is read without regard to case, Java's is not
    (zone.iana_name() == Some(short)).then_some(Place::Region(zone))
}
