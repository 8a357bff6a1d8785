//! Rows of a file, one after another, with the line each begins on: NDJSON, one JSON array, CSV. Never the whole file at once.
//! Blocks: for a thread of its own.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::search::Source;

/// A longer line is no document: it is passed over and refused.
const LONGEST: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// One JSON array of objects.
    Json,
    /// With a header; the first line names the fields, `a.b` is `b` inside `a`.
    Csv,
}

#[derive(Debug, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub line: u64,
    /// Of CSV the cells as they are: every value is a text, empty cells are left out.
    pub source: Result<Source, String>,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }

    /// By its own name: `ndjson`, `json`, `csv`.
    pub fn parse(text: &str) -> Option<Format> {
        match text {
            "ndjson" => Some(Format::Ndjson),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// By the ending of a name, else by how the text begins.
    pub fn guess(name: &str, head: &[u8]) -> Option<Format> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let first = head.iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xEF | 0xBB | 0xBF));
        match (ending.as_str(), first) {
            ("csv", _) => Some(Format::Csv),
            ("ndjson" | "jsonl", _) | (_, Some(b'{')) => Some(Format::Ndjson),
            (_, Some(b'[')) => Some(Format::Json),
            // nothing in it: no rows
            (_, None) => Some(Format::Ndjson),
            _ => None,
        }
    }
}

/// Gives each row to `take` until that says no. An error ends the reading: what came before was given.
pub fn read(input: impl Read, format: Format, mut take: impl FnMut(Row) -> bool) -> anyhow::Result<()> {
    match format {
        Format::Ndjson => read_lines(BufReader::with_capacity(1 << 16, input), &mut take)?,
        Format::Json => read_array(input, &mut take)?,
        Format::Csv => read_table(input, &mut take)?,
    }
    Ok(())
}

/// How many rows there are; `None` where that cannot be told without reading them one by one, or the file is broken.
pub fn count(input: impl Read, format: Format) -> Option<u64> {
    match format {
        Format::Ndjson => count_lines(BufReader::with_capacity(1 << 16, input)).ok(),
        Format::Json => {
            let elements =
                serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, input)).deserialize_seq(Elements);
            elements.ok()
        }
        Format::Csv => {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
            let mut record = csv::ByteRecord::new();
            let mut rows = 0;
            while reader.read_byte_record(&mut record).ok()? {
                rows += 1;
            }
            Some(rows)
        }
    }
}

/// Those that are not blank, however long they are.
fn count_lines(mut input: impl BufRead) -> io::Result<u64> {
    let (mut rows, mut blank) = (0, true);
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(rows + u64::from(!blank));
        }
        for byte in bytes {
            if *byte == b'\n' {
                rows += u64::from(!std::mem::replace(&mut blank, true));
            } else {
                blank = blank && (byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF));
            }
        }
        let length = bytes.len();
        input.consume(length);
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut rows = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            rows += 1;
        }
        Ok(rows)
    }
}

fn object(json: Json) -> Result<Source, String> {
    match json {
        Json::Object(source) => Ok(source),
        _ => Err("a document is a JSON object".into()),
    }
}

fn read_lines(mut input: impl BufRead, take: &mut impl FnMut(Row) -> bool) -> io::Result<()> {
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let read = (&mut input).take(LONGEST as u64).read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        let long = read == LONGEST && text.last() != Some(&b'\n');
        if long {
            input.skip_until(b'\n')?;
        }
        let bare = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text).trim_ascii();
        if bare.is_empty() {
            continue;
        }
        let source = if long {
            Err(format!("the line is longer than {LONGEST} bytes"))
        } else {
            serde_json::from_slice(bare).map_err(|fault| format!("not JSON: {fault}")).and_then(object)
        };
        if !take(Row { line, source }) {
            break;
        }
    }
    Ok(())
}

/// Counts the lines that went through.
struct Counted<R> {
    inner: R,
    lines: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let breaks = buffer[..read].iter().filter(|byte| **byte == b'\n').count();
        self.lines.set(self.lines.get() + breaks as u64);
        Ok(read)
    }
}

fn read_array(input: impl Read, take: &mut impl FnMut(Row) -> bool) -> anyhow::Result<()> {
    let lines = Rc::new(Cell::new(0));
    // serde_json reads byte by byte: the count is that of the byte it has come to
    let counted = Counted { inner: BufReader::with_capacity(1 << 16, input), lines: lines.clone() };
    let mut deserializer = serde_json::Deserializer::from_reader(counted);
    let mut stopped = false;
    let ended = deserializer.deserialize_seq(Items { lines, take, stopped: &mut stopped });
    if stopped {
        return Ok(());
    }
    ended.and_then(|()| deserializer.end()).map_err(|fault| anyhow::anyhow!("not a JSON array of documents: {fault}"))
}

struct Items<'a, F> {
    lines: Rc<Cell<u64>>,
    take: &'a mut F,
    stopped: &'a mut bool,
}

/// Reads one element, with the line it begins on.
struct Item<'a>(&'a Cell<u64>);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = (u64, Json);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let line = self.0.get() + 1;
        serde::Deserialize::deserialize(deserializer).map(|json| (line, json))
    }
}

impl<'de, F: FnMut(Row) -> bool> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some((line, json)) = items.next_element_seed(Item(&self.lines))? {
            if !(self.take)(Row { line, source: object(json) }) {
                *self.stopped = true;
                break;
            }
        }
        Ok(())
    }
}

fn read_table(input: impl Read, take: &mut impl FnMut(Row) -> bool) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let header: Vec<String> =
        reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    for (at, name) in header.iter().enumerate() {
        anyhow::ensure!(!name.is_empty(), "column {} has no name in the first line", at + 1);
        anyhow::ensure!(!header[..at].contains(name), "two columns are called {name:?}");
    }
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        let source = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) if record.len() != header.len() => {
                Err(format!("{} cells where the first line names {} columns", record.len(), header.len()))
            }
            Ok(true) => Ok(header
                .iter()
                .zip(&record)
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(name, cell)| (name.clone(), Json::String(cell.to_owned())))
                .collect()),
            Err(fault) if matches!(fault.kind(), csv::ErrorKind::Utf8 { .. }) => Err("the line is not UTF-8".into()),
            Err(fault) => return Err(fault.into()),
        };
        let line = record.position().map_or(line, csv::Position::line);
        if !take(Row { line, source }) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(text: &str, format: Format) -> (Vec<(u64, Json)>, bool) {
        let mut all = Vec::new();
        let ended = read(text.as_bytes(), format, |row| {
            all.push((row.line, row.source.map_or_else(|fault| json!(fault.split(':').next()), Json::Object)));
            true
        });
        (all, ended.is_ok())
    }

    #[test]
    fn lines_are_counted_and_a_bad_one_costs_only_itself() {
        let (all, whole) = rows("{\"a\":1}\n\n nonsense\r\n[1]\n{\"a\":2}", Format::Ndjson);
        let wanted =
            [(1, json!({"a":1})), (3, json!("not JSON")), (4, json!("a document is a JSON object")), (5, json!({"a":2}))];
        assert_eq!((all.as_slice(), whole), (&wanted[..], true));
    }

    #[test]
    fn an_array_is_read_element_by_element() {
        let (all, whole) = rows("[\n {\"a\":1}, {\"a\":[2,\n3]},\n4\n]\n", Format::Json);
        assert_eq!(
            (all, whole),
            (vec![(2, json!({"a":1})), (2, json!({"a":[2,3]})), (4, json!("a document is a JSON object"))], true)
        );
        let (all, whole) = rows("[{\"a\":1},\n{\"a\" 2}]", Format::Json);
        assert_eq!((all, whole), (vec![(1, json!({"a":1}))], false));
        assert!(!rows("[{\"a\":1}", Format::Json).1);
        assert!(!rows("[{\"a\":1}] more", Format::Json).1);
        assert!(!rows("{\"a\":1}", Format::Json).1);
    }

    #[test]
    fn a_table_has_a_header_and_lines_with_as_many_cells() {
        let (all, whole) = rows("\u{feff}a,b.c\n1,\"x\ny\"\n2\n,\n", Format::Csv);
        let wanted = vec![
            (2, json!({ "a": "1", "b.c": "x\ny" })),
            (4, json!("1 cells where the first line names 2 columns")),
            (5, json!({})),
        ];
        assert_eq!((all, whole), (wanted, true));
        assert!(!rows("a,a\n1,2", Format::Csv).1);
    }

    #[test]
    fn as_many_rows_are_counted_as_are_read() {
        for (text, format) in [
            ("{\"a\":1}\n\n nonsense\r\n \n[1]\n{\"a\":2}", Format::Ndjson),
            ("\u{feff}\n{}", Format::Ndjson),
            ("[{\"a\":1}, 2,\n{}]", Format::Json),
            ("a,b\n1,\"x\ny\"\n2\n,\n", Format::Csv),
            ("", Format::Ndjson),
        ] {
            let (all, _) = rows(text, format);
            assert_eq!(count(text.as_bytes(), format), Some(all.len() as u64), "{text}");
        }
        assert_eq!(count("[1,".as_bytes(), Format::Json), None);
    }

    #[test]
    fn formats_are_told_by_name_or_by_the_first_letter() {
        for (name, head, format) in [
            ("a.csv", "{", Some(Format::Csv)),
            ("a.jsonl", "", Some(Format::Ndjson)),
            ("a.json", " \n[", Some(Format::Json)),
            ("a.json", "{", Some(Format::Ndjson)),
            ("-", "\u{feff}{", Some(Format::Ndjson)),
            ("-", "a,b", None),
        ] {
            assert_eq!(Format::guess(name, head.as_bytes()), format, "{name} {head}");
        }
    }
}
