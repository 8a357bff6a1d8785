//! What values are counted by: themselves, the interval or the ranges they lie in. A key has a number, the same in all segments.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::super::super::compute::interval::{Start, Steps};
use super::super::super::value::Value;
use super::super::super::{Bucket, Counts, Error, Field, FieldRef, Interval, Range, RangeOf, Result};
use super::super::spans::span_of;
use super::columns::{Codes, Columns, computed, double, is_text, text, value};
use super::rows::Rows;

pub(super) struct Keys {
    field: FieldRef,
    columns: Rc<Vec<Codes>>,
    by: By,
    names: Vec<Name>,
}

enum By {
    /// `None`: only one segment has texts, and they stay where they are.
    Texts(Option<HashMap<String, u32>>),
    Numbers(HashMap<i64, u32, Quick>),
    /// Intervals met so far, by their beginning: end and key.
    Dates(Steps, BTreeMap<i64, (i64, u32)>),
    Steps(Steps, HashMap<u64, u32, Quick>),
    /// As spans of codes; `None`: nothing lies inside.
    Ranges(Vec<Option<RangeInclusive<i64>>>),
}

/// What a key is.
enum Name {
    Code(i64),
    Text(String),
    /// In the dictionary of this segment.
    Ordinal(usize, u64),
    Start(Start),
    Range(RangeOf),
}

/// Whole numbers need no protection against chosen collisions here: the table lives as long as one query, and is as large as the data.
pub(super) type Quick = BuildHasherDefault<Mixed>;

#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }
}

/// Of one key for each document it has, with the place of the document among those of its segment; ascending by place.
pub(super) type Pairs = Vec<Vec<(u32, u32)>>;

impl Keys {
    pub(super) fn of(columns: &Columns<'_>, field: &FieldRef, interval: Option<&Interval>, ranges: &[RangeOf]) -> Result<Keys> {
        let opened = columns.open(field)?;
        let mut names = Vec::new();
        let by = if let Some(interval) = interval {
            let steps = Steps::of(interval, &field.kind)?;
            match interval {
                Interval::Number { .. } => By::Steps(steps, HashMap::default()),
                _ => By::Dates(steps, BTreeMap::new()),
            }
        } else if !ranges.is_empty() {
            names.extend(ranges.iter().cloned().map(Name::Range));
            By::Ranges(ranges.iter().map(|range| span(field, range)).collect::<Result<_>>()?)
        } else if is_text(field) {
            let filled = opened.iter().filter(|codes| matches!(codes, Codes::Texts(column) if column.num_terms() > 0)).count();
            By::Texts((filled > 1).then(HashMap::new))
        } else {
            By::Numbers(HashMap::default())
        };
        Ok(Keys { field: field.clone(), columns: opened, by, names })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many documents each key has, and how many elements where these are elements; `around` are then their documents.
    pub(super) fn counts(&mut self, rows: &Rows, around: Option<&Rows>) -> Result<Vec<Counts>> {
        let Some(around) = around else {
            let counts = self.count(rows)?;
            return Ok(counts.into_iter().map(|documents| Counts { documents, elements: None }).collect());
        };
        let pairs = self.pairs(rows)?;
        let none = Counts { documents: 0, elements: Some(0) };
        let mut counts = vec![none; self.names.len()];
        for (pairs, documents) in pairs.into_iter().zip(&around.entries) {
            let mut last = vec![u32::MAX; counts.len()];
            for (at, key) in pairs {
                let (count, document) = (&mut counts[key as usize], documents[at as usize]);
                count.elements = count.elements.map(|elements| elements + 1);
                if last[key as usize] != document {
                    last[key as usize] = document;
                    count.documents += 1;
                }
            }
        }
        Ok(counts)
    }

    fn count(&mut self, rows: &Rows) -> Result<Vec<u64>> {
        let mut counts = vec![0; self.names.len()];
        for (segment, docs) in rows.entries.iter().enumerate() {
            if let By::Texts(_) = &self.by {
                let mut tally = Tally::new(self.terms(segment), docs.len());
                self.columns[segment].read(docs, |_, ord| tally.add(ord.cast_unsigned()));
                let found = tally.found();
                let keys = self.translate(segment, &found.iter().map(|(ord, _)| *ord).collect::<Vec<_>>())?;
                counts.resize(self.names.len(), 0);
                for ((_, count), key) in found.into_iter().zip(keys) {
                    counts[key as usize] += count;
                }
            } else {
                self.each(segment, docs, |_, key| {
                    if key as usize >= counts.len() {
                        counts.resize(key as usize + 1, 0);
                    }
                    counts[key as usize] += 1;
                });
            }
        }
        counts.resize(self.names.len(), 0);
        Ok(counts)
    }

    /// Which documents have which key.
    pub(super) fn pairs(&mut self, rows: &Rows) -> Result<Pairs> {
        let mut all = Vec::with_capacity(rows.entries.len());
        for (segment, docs) in rows.entries.iter().enumerate() {
            let mut pairs: Vec<(u32, u32)> = Vec::new();
            if let By::Texts(_) = &self.by {
                let mut found: Vec<(u32, u64)> = Vec::new();
                self.columns[segment].read(docs, |at, ord| found.push((place(at), ord.cast_unsigned())));
                let mut ords: Vec<u64> = found.iter().map(|(_, ord)| *ord).collect();
                ords.sort_unstable();
                ords.dedup();
                let keys = self.translate(segment, &ords)?;
                let key = |ord: u64| ords.binary_search(&ord).map_or(0, |at| keys[at]);
                pairs.extend(found.into_iter().map(|(at, ord)| (at, key(ord))));
            } else {
                self.each(segment, docs, |at, key| pairs.push((place(at), key)));
            }
            all.push(pairs);
        }
        Ok(all)
    }

    /// Places of the documents that have no value at all, for each segment.
    pub(super) fn without(&self, rows: &Rows) -> Vec<Vec<u32>> {
        let of_segment = |(segment, docs): (usize, &Vec<u32>)| {
            let mut without = Vec::new();
            let mut next = 0;
            self.columns[segment].read(docs, |at, _| {
                without.extend((next..at).map(place));
                next = next.max(at + 1);
            });
            without.extend((next..docs.len()).map(place));
            without
        };
        rows.entries.iter().enumerate().map(of_segment).collect()
    }

    fn terms(&self, segment: usize) -> usize {
        if let Codes::Texts(column) = &self.columns[segment] { column.num_terms() } else { 0 }
    }

    /// Numbers: each key of a document once.
    fn each(&mut self, segment: usize, docs: &[u32], mut found: impl FnMut(usize, u32)) {
        let (columns, kind, names) = (Rc::clone(&self.columns), &self.field.kind, &mut self.names);
        let codes = &columns[segment];
        let lists = codes.has_lists();
        let (mut last, mut seen): (usize, Vec<u32>) = (usize::MAX, Vec::new());
        let mut once = |at: usize, key: u32| {
            if lists {
                if at != last {
                    last = at;
                    seen.clear();
                }
                if seen.contains(&key) {
                    return;
                }
                seen.push(key);
            }
            found(at, key);
        };
        let mut named = |name: Name| {
            names.push(name);
            place(names.len() - 1)
        };
        match &mut self.by {
            By::Texts(_) => {}
            By::Numbers(keys) => codes.read(docs, |at, code| {
                let code = computed(kind, code);
                once(at, *keys.entry(code).or_insert_with(|| named(Name::Code(code))));
            }),
            By::Steps(steps, keys) => codes.read(docs, |at, code| {
                let start = steps.of_number(double(kind, code));
                let Start::Number(number) = start else { return };
                once(at, *keys.entry(number.to_bits()).or_insert_with(|| named(Name::Start(start))));
            }),
            By::Dates(steps, keys) => codes.read(docs, |at, code| {
                let millis = computed(kind, code);
                let known = keys.range(..=millis).next_back().filter(|(_, (end, _))| millis < *end).map(|(_, (_, key))| *key);
                let key = known.unwrap_or_else(|| {
                    let start = steps.of_millis(millis);
                    let Start::Date(begin) = start else { return 0 };
                    keys.entry(begin).or_insert_with(|| (steps.end(begin), named(Name::Start(start)))).1
                });
                once(at, key);
            }),
            By::Ranges(spans) => codes.read(docs, |at, code| {
                for (key, span) in spans.iter().enumerate() {
                    if span.as_ref().is_some_and(|span| span.contains(&code)) {
                        once(at, place(key));
                    }
                }
            }),
        }
    }

    /// Keys of texts that stand in the dictionary of a segment; `ords` ascending.
    fn translate(&mut self, segment: usize, ords: &[u64]) -> Result<Vec<u32>> {
        let By::Texts(known) = &mut self.by else { return Ok(Vec::new()) };
        let Some(known) = known else {
            let first = self.names.len();
            self.names.extend(ords.iter().map(|ord| Name::Ordinal(segment, *ord)));
            return Ok((first..self.names.len()).map(place).collect());
        };
        let Codes::Texts(column) = &self.columns[segment] else { return Ok(Vec::new()) };
        let (mut keys, names) = (Vec::with_capacity(ords.len()), &mut self.names);
        let whole = column.dictionary().sorted_ords_to_term_cb(ords, |term| {
            let term = String::from_utf8_lossy(term);
            let key = known.get(&*term).copied().unwrap_or_else(|| {
                let key = place(names.len());
                names.push(Name::Text(term.clone().into_owned()));
                known.insert(term.into_owned(), key);
                key
            });
            keys.push(key);
        });
        if !whole.map_err(Error::internal)? || keys.len() != ords.len() {
            return Err(Error::internal("an ordinal without a text"));
        }
        Ok(keys)
    }

    /// The order of values.
    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        match (&self.names[a as usize], &self.names[b as usize]) {
            (Name::Code(a), Name::Code(b)) => a.cmp(b),
            (Name::Text(a), Name::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Name::Ordinal(_, a), Name::Ordinal(_, b)) => a.cmp(b),
            (Name::Start(Start::Number(a)), Name::Start(Start::Number(b))) => a.total_cmp(b),
            (Name::Start(Start::Date(a)), Name::Start(Start::Date(b))) => a.cmp(b),
            _ => a.cmp(&b),
        }
    }

    pub(super) fn text(&self, key: u32) -> Result<Option<String>> {
        match &self.names[key as usize] {
            Name::Text(text) => Ok(Some(text.clone())),
            Name::Ordinal(segment, ord) => {
                let mut found = String::new();
                if let Codes::Texts(column) = &self.columns[*segment]
                    && column.ord_to_str(*ord, &mut found).map_err(Error::internal)?
                {
                    return Ok(Some(found));
                }
                Err(Error::internal("an ordinal without a text"))
            }
            _ => Ok(None),
        }
    }

    /// Of an interval its beginning.
    pub(super) fn value(&self, key: u32) -> Result<Option<Value>> {
        Ok(match &self.names[key as usize] {
            Name::Code(code) => Some(value(&self.field.kind, *code)),
            Name::Range(range) => range.lower.as_ref().map(|(value, _)| value.clone()),
            Name::Start(_) => self.bucket(key, Counts::default())?.lower,
            Name::Text(_) | Name::Ordinal(..) => self.text(key)?.map(|found| text(&self.field.kind, found)).transpose()?,
        })
    }

    pub(super) fn start(&self, key: u32) -> Option<Start> {
        if let Name::Start(start) = &self.names[key as usize] { Some(*start) } else { None }
    }

    pub(super) fn bucket(&self, key: u32, count: Counts) -> Result<Bucket> {
        Ok(match (&self.names[key as usize], &self.by) {
            (Name::Start(start), By::Dates(steps, _) | By::Steps(steps, _)) => steps.bucket(*start, count),
            (Name::Range(range), _) => bucket_of(range, count),
            _ => Bucket { lower: self.value(key)?, upper: None, count },
        })
    }
}

pub(super) fn bucket_of(range: &Range, count: Counts) -> Bucket {
    let end = |end: &Option<(Value, bool)>| end.as_ref().map(|(value, _)| value.clone());
    Bucket { lower: end(&range.lower), upper: end(&range.upper), count }
}

fn span(field: &Field, range: &RangeOf) -> Result<Option<RangeInclusive<i64>>> {
    fn side(end: &Option<(Value, bool)>) -> Option<(&Value, bool)> {
        end.as_ref().map(|(value, inside)| (value, *inside))
    }
    if is_text(field) {
        return Err(Error::invalid(format!("{} has no ranges to count by", field.path)));
    }
    Ok(span_of(field, side(&range.lower), side(&range.upper))?.map(|(least, most)| least..=most))
}

/// A segment holds fewer documents than 2^32, and fewer keys than that are counted at once.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Counts by ordinal: a list of all ordinals, or a table where few documents meet a large dictionary.
enum Tally {
    Dense(Vec<u32>),
    Sparse(HashMap<u64, u32, Quick>),
}

impl Tally {
    fn new(terms: usize, docs: usize) -> Tally {
        if terms / 8 <= docs { Tally::Dense(vec![0; terms]) } else { Tally::Sparse(HashMap::default()) }
    }

    fn add(&mut self, ord: u64) {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "it is a place in the list")]
            Tally::Dense(counts) => counts[ord as usize] += 1,
            Tally::Sparse(counts) => *counts.entry(ord).or_default() += 1,
        }
    }

    /// Ascending by ordinal.
    fn found(self) -> Vec<(u64, u64)> {
        match self {
            Tally::Dense(counts) => {
                (0..).zip(counts).filter(|(_, count)| *count > 0).map(|(ord, count)| (ord, u64::from(count))).collect()
            }
            Tally::Sparse(counts) => {
                let mut found: Vec<(u64, u64)> = counts.into_iter().map(|(ord, count)| (ord, u64::from(count))).collect();
                found.sort_unstable();
                found
            }
        }
    }
}
