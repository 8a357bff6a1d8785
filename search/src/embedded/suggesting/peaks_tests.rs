//! Values that begin so, found by peaks, against values counted one by one: while documents are added, written again and deleted, segments are
//! merged, and views of before are still asked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use tantivy::{Index, IndexWriter, Searcher, Term};

use super::super::super::pattern::Pattern;
use super::super::super::value::Value;
use super::super::super::{
    Collection, CollectionName, Document, DocumentId, Error, Exact, Field, FieldRef, Filter, Kind, Origin, Query, Result,
};
use super::super::documents::Documents;
use super::super::indexing::index_document;
use super::super::layout::Layout;
use super::super::searching::View;
use super::completing::complete;

struct Nothing;

impl Documents for Nothing {
    fn document(&self, _: u64, _: Option<&[Arc<str>]>) -> Result<Document> {
        Err(Error::internal("no document is looked at"))
    }
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn value(&mut self, letters: &[&str]) -> String {
        (0..self.below(4)).map(|_| letters[self.below(letters.len() as u64) as usize]).collect()
    }
}

type Model = BTreeMap<u64, (BTreeSet<String>, bool)>;

/// Ways to ask: as it stands, under a rule of many documents.
fn hold(layout: &Arc<Layout>, tag: &FieldRef, searcher: &Searcher, model: &Model, random: &mut Random, letters: &[&str]) {
    let view = View { searcher: searcher.clone(), layout: layout.clone(), documents: &Nothing, stopped: &|| false };
    for _ in 0..12 {
        let (prefix, first, ruled) = (random.value(&letters[..6]), 1 + random.below(5) as usize, random.below(3) == 0);
        let begins = Pattern::prefix(&prefix, true).unwrap();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (values, owned) in model.values().filter(|(_, owned)| *owned || !ruled) {
            let _ = owned;
            values.iter().filter(|value| begins.matches(value)).for_each(|value| *counts.entry(value).or_default() += 1);
        }
        let mut expected: Vec<(&str, u64)> = counts.into_iter().collect();
        expected.sort_by_key(|(value, count)| (Reverse(*count), *value));
        expected.truncate(first);
        let mut query = Query::completing(CollectionName::parse("test").unwrap(), tag.clone(), prefix.clone(), 1);
        if ruled {
            let owner: FieldRef = Arc::new(Field::new("owned", Kind::Boolean));
            query.rule = Filter::OneOf(owner, vec![Value::Boolean(true)]);
        }
        let found = complete(&view, &query, tag, &prefix, first).unwrap();
        let found: Vec<(&str, u64)> = found.iter().map(|one| (one.text.as_str(), one.count)).collect();
        assert_eq!(found, expected, "{prefix:?} {first} {ruled}");
    }
}

#[test]
fn peaks_find_what_is_counted_one_by_one() {
    let exact = Exact { path: "tag".into(), ignore_above: None, normalizer: None };
    let tag: FieldRef = Arc::new(Field::new("tag", Kind::Keyword(exact)));
    let owned = Arc::new(Field::new("owned", Kind::Boolean));
    let name = CollectionName::parse("test").unwrap();
    let fields = vec![tag.clone(), owned];
    let collection = Collection { name, origin: Origin::Index, fields, remarks: Vec::new() };
    let mut random = Random(20_261_121);
    let mut mended = false;
    // few letters, so that the same values come again and again; and many, so that most come once
    for letters in
        [&["a", "A", "b", "é", "É", "k", "\u{212a}", "日"][..], &["a", "b", "c", "d", "e", "F", "0", "1", "2", "日", "本"]]
    {
        let mut layout = Layout::new(&collection).unwrap();
        (layout.peaks.walked, layout.peaks.few, layout.peaks.neighbours) = (3, 0, 3);
        layout.peaks.some = if letters.len() == 8 { 0 } else { 60 };
        let layout = Arc::new(layout);
        let index = Index::create_in_ram(layout.schema.clone());
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 20_000_000).unwrap();
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        let reader = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual).try_into().unwrap();
        let (mut model, mut seq_no, mut before) = (Model::new(), 0_u64, None);
        for round in 0..16 {
            for _ in 0..random.below(90) {
                let number = random.below(250);
                let id = DocumentId::parse(&number.to_string()).unwrap();
                writer.delete_term(Term::from_field_text(layout.id, id.as_str()));
                if random.below(4) == 0 {
                    model.remove(&number);
                    continue;
                }
                let values: BTreeSet<String> = (0..1 + random.below(2)).map(|_| random.value(letters)).collect();
                let owned = random.below(2) == 0;
                let source = json!({ "tag": values, "owned": owned });
                let entries = index_document(&layout, &collection, id.as_str(), seq_no, source.as_object().unwrap()).unwrap();
                for entry in entries {
                    writer.add_document(entry).unwrap();
                }
                seq_no += 1;
                model.insert(number, (values, owned));
            }
            writer.commit().unwrap();
            let segments = index.searchable_segment_ids().unwrap();
            if round % 7 == 6 && segments.len() > 1 {
                writer.merge(&segments[round % 2..]).wait().unwrap();
            }
            let reader: &tantivy::IndexReader = &reader;
            reader.reload().unwrap();
            hold(&layout, &tag, &reader.searcher(), &model, &mut random, letters);
            mended |= layout.peaks.changed("tag").is_some_and(|changed| changed > 0);
            if let Some((searcher, model)) = &before {
                hold(&layout, &tag, searcher, model, &mut random, letters);
            }
            if round % 9 == 0 {
                before = Some((reader.searcher(), model.clone()));
            }
        }
    }
    assert!(mended, "ranges outlived changes");
}
