//! Elasticsearch's built-in formats, written as patterns.
//!
//! Beside Java's letters these patterns know `f` (a fraction of one to nine digits) and `#` (any zone: `Z`, an offset, a region).
//! The names without `strict_` are lenient: fewer digits do.

/// The pattern behind a name, and whether it is lenient.
pub(super) fn built_in(name: &str) -> Option<(&'static str, bool)> {
    // the strict form of a week date is as forgiving as the other
    let (plain, strict) = match name.strip_prefix("strict_") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let pattern = match plain {
        "date_optional_time" if !strict => "uuuu[-MM[-dd]]['T'[HH[:mm[:ss][.f][,f]]][#]]",
        "iso8601" | "rfc3339_lenient" if !strict => return None,
        "basic_date" if !strict => return Some(("uuuuMMdd", false)),
        "basic_date_time" if !strict => return Some(("uuuuMMdd'T'HHmmss.f#", false)),
        "basic_date_time_no_millis" if !strict => return Some(("uuuuMMdd'T'HHmmss#", false)),
        "basic_ordinal_date" if !strict => return Some(("uuuuDDD", false)),
        "basic_ordinal_date_time" if !strict => return Some(("uuuuDDD'T'HHmmss.f#", false)),
        "basic_ordinal_date_time_no_millis" if !strict => return Some(("uuuuDDD'T'HHmmss#", false)),
        "basic_time" if !strict => return Some(("HHmmss.f#", false)),
        "basic_time_no_millis" if !strict => return Some(("HHmmss#", false)),
        "basic_t_time" if !strict => return Some(("'T'HHmmss.f#", false)),
        "basic_t_time_no_millis" if !strict => return Some(("'T'HHmmss#", false)),
        "basic_week_date" => return Some(("YYYY'W'wwe", !strict)),
        "basic_week_date_time" => return Some(("YYYY'W'wwe'T'HHmmss.f#", !strict)),
        "basic_week_date_time_no_millis" => return Some(("YYYY'W'wwe'T'HHmmss#", !strict)),
        "date" => "uuuu-MM-dd",
        "date_hour" => "uuuu-MM-dd'T'HH",
        "date_hour_minute" => "uuuu-MM-dd'T'HH:mm",
        "date_hour_minute_second" => "uuuu-MM-dd'T'HH:mm:ss",
        "date_hour_minute_second_fraction" | "date_hour_minute_second_millis" => "uuuu-MM-dd'T'HH:mm:ss.f",
        "date_time" if strict => "uuuu-MM-dd'T'HH:mm:ss[.f]#",
        "date_time" => "uuuu-MM-dd'T'HH:mm:ss.f#",
        "date_time_no_millis" if strict => "uuuu-MM-dd'T'HH:mm:ss#",
        "date_time_no_millis" => "uuuu-MM-dd'T'HH:mm:ss[#]",
        "hour" => "HH",
        "hour_minute" => "HH:mm",
        "hour_minute_second" => "HH:mm:ss",
        "hour_minute_second_fraction" | "hour_minute_second_millis" => "HH:mm:ss.f",
        "ordinal_date" => "uuuu-DDD",
        "ordinal_date_time" => "uuuu-DDD'T'HH:mm:ss.f#",
        "ordinal_date_time_no_millis" => "uuuu-DDD'T'HH:mm:ss#",
        "time" => "HH:mm:ss.f#",
        "time_no_millis" => "HH:mm:ss#",
        "t_time" => "'T'HH:mm:ss.f#",
        "t_time_no_millis" => "'T'HH:mm:ss#",
        "week_date" => return Some(("YYYY-'W'ww-e", true)),
        "week_date_time" => return Some(("YYYY-'W'ww-e'T'HH:mm:ss.f#", true)),
        "week_date_time_no_millis" => return Some(("YYYY-'W'ww-e'T'HH:mm:ss#", true)),
        "weekyear" => "YYYY",
        "weekyear_week" => return Some(("YYYY-'W'ww", true)),
        "weekyear_week_day" => return Some(("YYYY-'W'ww-e", true)),
        "year" => "uuuu",
        "year_month" => "uuuu-MM",
        "year_month_day" => "uuuu-MM-dd",
        _ => return None,
    };
    Some((pattern, !strict))
}
