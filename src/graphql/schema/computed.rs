//! The shared types of what is counted: facets, statistics, buckets, ranges, intervals, conditions. Each is made only if it is needed.

use super::{Types, written};

/// Name, description, fields with theirs.
type Shape = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const VALUE: &str = "Null: documents without a value (include: MISSING).";
const DOCUMENTS: &str = "Documents.";
const ELEMENTS: &str = "Elements, on a nested path; else null.";
const SELECTED: &str = "The field's clause in facetFilters asks for it.";
const OTHERS: &str = "Sum of the counts that are not shown; a document with several values counts for each.";
const BUCKET: &str = "A bucket of ranges (in the order asked) or of interval (ascending, empty ones between too).";

/// The value of a facet, for one scalar.
macro_rules! value {
    ($kind:literal, $scalar:literal) => {
        (
            concat!($kind, "FacetValue"),
            "",
            &[
                (concat!("value: ", $scalar), VALUE),
                ("count: Long!", DOCUMENTS),
                ("nestedCount: Long", ELEMENTS),
                ("selected: Boolean!", SELECTED),
            ],
        )
    };
}

/// A facet with values alone.
macro_rules! facet {
    ($kind:literal) => {
        (
            concat!($kind, "Facet"),
            "",
            &[
                (concat!("values: [", $kind, "FacetValue!]!"), ""),
                ("otherCount: Long!", OTHERS),
                ("distinctCount: Long!", ""),
                ("exactDistinct: Boolean!", ""),
            ],
        )
    };
}

/// A facet with buckets too.
macro_rules! measured_facet {
    ($kind:literal, $stats:literal) => {
        (
            concat!($kind, "Facet"),
            "",
            &[
                (concat!("values: [", $kind, "FacetValue!]!"), ""),
                ("otherCount: Long!", OTHERS),
                ("distinctCount: Long!", ""),
                ("exactDistinct: Boolean!", ""),
                (concat!("buckets: [", $kind, "Bucket!]!"), ""),
                (concat!("stats: ", $stats, "!"), ""),
            ],
        )
    };
}

macro_rules! bucket {
    ($kind:literal, $scalar:literal) => {
        (
            concat!($kind, "Bucket"),
            BUCKET,
            &[
                (concat!("from: ", $scalar), ""),
                (concat!("to: ", $scalar), ""),
                ("count: Long!", DOCUMENTS),
                ("nestedCount: Long", ELEMENTS),
            ],
        )
    };
}

macro_rules! range {
    ($kind:literal, $scalar:literal) => {
        (concat!($kind, "Range"), "", &[(concat!("from: ", $scalar), ""), (concat!("to: ", $scalar), "")])
    };
}

const OBJECTS: &[Shape] = &[
    value!("Int", "Int"),
    value!("Long", "Long"),
    value!("Float", "Float"),
    value!("String", "String"),
    value!("Boolean", "Boolean"),
    value!("IP", "IP"),
    value!("Date", "DateTime"),
    facet!("String"),
    facet!("Boolean"),
    facet!("IP"),
    measured_facet!("Int", "NumberStats"),
    measured_facet!("Long", "NumberStats"),
    measured_facet!("Float", "NumberStats"),
    measured_facet!("Date", "DateStats"),
    bucket!("Int", "Int"),
    bucket!("Long", "Long"),
    bucket!("Float", "Float"),
    bucket!("Date", "DateTime"),
    range!("Int", "Int"),
    range!("Long", "Long"),
    range!("Float", "Float"),
    range!("Date", "DateTime"),
    (
        "GeoFacet",
        "ranges are metres from `from`; cells are map tiles at `zoom`.",
        &[("buckets: [FloatBucket!]!", ""), ("cells: [GeoCell!]!", "")],
    ),
    ("GeoCell", "zoom/x/y of the map tile.", &[("key: String!", ""), ("count: Long!", DOCUMENTS), ("center: GeoPoint!", "")]),
    (
        "NumberStats",
        "Over values. Of an empty set: valueCount and sum are 0, the others null.",
        &[("valueCount: Long!", ""), ("min: Float", ""), ("max: Float", ""), ("avg: Float", ""), ("sum: Float!", "")],
    ),
    ("DateStats", "", &[("valueCount: Long!", ""), ("min: DateTime", ""), ("max: DateTime", ""), ("avg: DateTime", "")]),
    (
        "NumberAggregate",
        "Over all values, of lists each. stdDev is that of a population. min, max and sum are doubles: of Long exact to 2^53. distinctCount is exact where exactDistinct says so.",
        &[
            ("min: Float", ""),
            ("max: Float", ""),
            ("avg: Float", ""),
            ("sum: Float!", ""),
            ("stats: NumberStats!", ""),
            ("stdDev: Float", ""),
            ("percentiles(at: [Float!]! = [1, 5, 25, 50, 75, 95, 99]): [Percentile!]!", ""),
            ("distinctCount: Long!", ""),
            ("exactDistinct: Boolean!", ""),
            ("valueCount: Long!", ""),
        ],
    ),
    ("Percentile", "value may be off a little (t-digest).", &[("at: Float!", ""), ("value: Float", "")]),
    (
        "DateAggregate",
        "",
        &[
            ("min: DateTime", ""),
            ("max: DateTime", ""),
            ("avg: DateTime", ""),
            ("stats: DateStats!", ""),
            ("percentiles(at: [Float!]! = [1, 5, 25, 50, 75, 95, 99]): [DatePercentile!]!", ""),
            ("distinctCount: Long!", ""),
            ("exactDistinct: Boolean!", ""),
            ("valueCount: Long!", ""),
        ],
    ),
    ("DatePercentile", "", &[("at: Float!", ""), ("value: DateTime", "")]),
    (
        "Suggestions",
        "",
        &[
            ("didYouMean: DidYouMean", "Null where the query finds enough, or nothing better is known."),
            ("relaxed: [RelaxedQuery!]!", "Which words to drop to find something."),
        ],
    ),
    ("DidYouMean", "", &[("text: String!", ""), ("parts: [ChangedPart!]!", "")]),
    ("RelaxedQuery", "", &[("text: String!", ""), ("dropped: [String!]!", ""), ("total: Total!", "")]),
    (
        "Suggestion",
        "A whole value of the field that starts so, case apart; count is of documents; most frequent first, then by value.",
        &[("text: String!", ""), ("count: Long!", "")],
    ),
    ("ChangedPart", "", &[("text: String!", ""), ("changed: Boolean!", "")]),
    ("ValueAggregate", "", &[("distinctCount: Long!", ""), ("exactDistinct: Boolean!", ""), ("valueCount: Long!", "")]),
];

macro_rules! range_input {
    ($kind:literal) => {
        (
            concat!($kind, "RangeInput"),
            "from is inside, to is not; absent: open.",
            &[(concat!("from: ", $kind), ""), (concat!("to: ", $kind), "")],
        )
    };
}

const INPUTS: &[Shape] = &[
    range_input!("Int"),
    range_input!("Long"),
    range_input!("Float"),
    (
        "DateRangeInput",
        "from is inside, to is not; absent: open. Of a time with parts left out its start is meant.",
        &[("from: DateMath", ""), ("to: DateMath", ""), ("timeZone: TimeZone = \"UTC\"", "")],
    ),
    ("NumberInterval", "", &[("size: Float!", ""), ("offset: Float = 0", "")]),
    (
        "DateInterval",
        "One of calendar and fixed. Days and months begin in timeZone.",
        &[("calendar: CalendarUnit", ""), ("fixed: Duration", ""), ("timeZone: TimeZone = \"UTC\"", "")],
    ),
    (
        "GroupInterval",
        "size for numbers; calendar or fixed for dates.",
        &[
            ("size: Float", ""),
            ("offset: Float", ""),
            ("calendar: CalendarUnit", ""),
            ("fixed: Duration", ""),
            ("timeZone: TimeZone", ""),
        ],
    ),
    (
        "GroupRangeInput",
        "Numbers for fields of numbers, DateMath for dates.",
        &[("from: GroupBound", ""), ("to: GroupBound", "")],
    ),
    ("FacetOrder", "One of the two.", &[("count: Direction", ""), ("value: Direction", "")]),
    (
        "NumberHaving",
        "",
        &[
            ("min: FloatFilter", ""),
            ("max: FloatFilter", ""),
            ("avg: FloatFilter", ""),
            ("sum: FloatFilter", ""),
            ("stdDev: FloatFilter", ""),
            ("distinctCount: LongFilter", ""),
            ("valueCount: LongFilter", ""),
        ],
    ),
    (
        "DateHaving",
        "",
        &[("min: DateFilter", ""), ("max: DateFilter", ""), ("distinctCount: LongFilter", ""), ("valueCount: LongFilter", "")],
    ),
    ("ValueHaving", "", &[("distinctCount: LongFilter", ""), ("valueCount: LongFilter", "")]),
    ("GeoPointInput", "", &[("lat: Float!", ""), ("lon: Float!", "")]),
    ("GeoNear", "", &[("lat: Float!", ""), ("lon: Float!", ""), ("distance: Distance!", "")]),
    (
        "GeoBox",
        "May cross the date line: then topLeft.lon > bottomRight.lon.",
        &[("topLeft: GeoPointInput!", ""), ("bottomRight: GeoPointInput!", "")],
    ),
    (
        "GeoPolygon",
        "At least three corners; closed by itself; edges as Elasticsearch draws them.",
        &[("points: [GeoPointInput!]!", "")],
    ),
];

/// Made elsewhere, and named in fields that are written as text.
const OTHERS_NAMED: &[&str] = &[
    "CalendarUnit",
    "DateFilter",
    "DateMath",
    "DateTime",
    "Direction",
    "Distance",
    "Duration",
    "FacetInclude",
    "FloatFilter",
    "GeoPoint",
    "GroupBound",
    "IP",
    "Long",
    "LongFilter",
    "Metric",
    "PageInfo",
    "TimeZone",
    "Total",
];

/// The shared type of this name, if it is one.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let shapes = OBJECTS.iter().chain(INPUTS).map(|(known, ..)| *known);
    shapes.chain(OTHERS_NAMED.iter().copied()).find(|known| *known == name)
}

/// `false`: it is none of those here.
pub(super) fn add_shared(types: &mut Types, name: &str) -> bool {
    if let Some((name, about, fields)) = OBJECTS.iter().find(|(known, ..)| *known == name) {
        written::object(types, name, about, fields);
        true
    } else if let Some((name, about, fields)) = INPUTS.iter().find(|(known, ..)| *known == name) {
        written::input_object(types, name, about, fields);
        true
    } else {
        false
    }
}
