//! Collections as engines tell them -> collections as users see them: which of them, which fields, lists, and all names.
//! Pure: what was decided before comes in as [`Memory`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::names::{CHANGED, DEMANDED, NEAR, SAME, Subject, Types, Wish, of_collections, settle, simple};
use super::words::{bare, capitalised, is_plain, shouted, singular_words, split, upper_camel};
use super::{Bounds, Exposed, ExposedField, Memory, Remembered, reserved};
use crate::config::{CatalogConfig, CollectionConfig, Config};
use crate::search::{Collection, FieldRef, Kind};

/// Every collection that settings let through, sorted by name.
pub(super) fn expose(collections: &[Arc<Collection>], config: &Config, memory: &Memory) -> Vec<Exposed> {
    let mut shown: Vec<&Arc<Collection>> = collections.iter().filter(|c| is_shown(&config.catalog, c.name.as_str())).collect();
    shown.sort_by(|a, b| a.name.cmp(&b.name));
    shown.dedup_by(|a, b| a.name == b.name);
    let subjects: Vec<Subject<'_>> = shown
        .iter()
        .map(|collection| Subject {
            name: collection.name.as_str(),
            config: config.catalog.collections.get(collection.name.as_str()),
            memory: memory.of(collection.name.as_str()),
        })
        .collect();
    let mut types = Types::new();
    let held = hold_objects(&subjects, &shown, &mut types);
    let names = of_collections(&subjects, &mut types);
    let mut exposed: Vec<Exposed> = shown
        .iter()
        .zip(names)
        .zip(&subjects)
        .map(|((collection, names), subject)| {
            let none = CollectionConfig::default();
            let draft = Draft { config: subject.config.unwrap_or(&none), memory: subject.memory, relay: config.graphql.relay };
            let mut fields = draft.fields(&collection.fields, true);
            draft.name_enums(&mut fields);
            Exposed {
                collection: Arc::clone(collection),
                names,
                fields,
                relations: Vec::new(),
                faults: Vec::new(),
                bounds: Bounds::default(),
            }
        })
        .collect();
    name_objects(&mut exposed, memory, &held, &mut types);
    super::relations::relate(&mut exposed, config);
    exposed
}

/// Whether `include` and `exclude` let a collection through; hooke's own and the system's never.
pub(super) fn is_shown(config: &CatalogConfig, name: &str) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, name));
    !name.starts_with('.') && (config.include.is_empty() || any(&config.include)) && !any(&config.exclude)
}

/// `*` stands for anything, also for nothing.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    // each further part is taken where it first stands; the last one must stand at the end
    let mut rest = rest;
    let mut parts = tail.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// One collection on its way.
struct Draft<'a> {
    config: &'a CollectionConfig,
    memory: Option<&'a Remembered>,
    relay: bool,
}

impl Draft<'_> {
    fn fields(&self, fields: &[FieldRef], top: bool) -> Vec<ExposedField> {
        let mut kept: Vec<(FieldRef, Vec<ExposedField>)> = Vec::new();
        for field in fields {
            if self.config.hide.contains(&field.path) {
                continue;
            }
            let children = self.fields(&field.fields, false);
            // a type without fields cannot be written, so nothing may need it
            if children.is_empty() && matches!(field.kind, Kind::Object | Kind::Nested) {
                continue;
            }
            kept.push((Arc::clone(field), children));
        }
        let wishes: Vec<Wish> = kept.iter().map(|(field, _)| self.wish(field, top)).collect();
        let names = settle(&wishes, simple(&mut HashSet::new()));
        let filters = apart_from(reserved::FILTERS, &names, &kept);
        let aggregates = apart_from(reserved::AGGREGATES, &names, &kept);
        // names that are made up here go behind those of the document
        let taken: Vec<&str> = names.iter().map(String::as_str).collect();
        let ranges: Vec<String> = names.iter().map(|name| format!("{name}Range")).collect();
        let ranges = apart_from(&taken, &ranges, &kept);
        kept.into_iter()
            .zip(names)
            .zip(filters.into_iter().zip(aggregates).zip(ranges))
            .map(|(((field, fields), name), ((filter_name, aggregate_name), range_name))| ExposedField {
                list: self.is_list(&field),
                name,
                filter_name,
                aggregate_name,
                range_name,
                enum_name: String::new(),
                type_name: None,
                fields,
                field,
            })
            .collect()
    }

    fn wish(&self, field: &FieldRef, top: bool) -> Wish {
        let own = field.name();
        let renamed = self.config.rename.get(&field.path).map(String::as_str);
        let wanted = renamed.unwrap_or(own);
        let reserved = top && wanted == if self.relay { "id" } else { "nodeId" };
        Wish {
            original: own.to_owned(),
            plain: Some(wanted.to_owned()).filter(|name| is_plain(name) && !name.starts_with('_') && !reserved),
            base: bare(wanted, "field"),
            changed: if renamed.is_some() { DEMANDED } else { SAME },
            kept: None,
        }
    }

    /// Settings, the mapping, a sample; then what the kind suggests.
    fn is_list(&self, field: &FieldRef) -> bool {
        if matches!(field.kind, Kind::Vector { .. }) {
            return false;
        }
        let sampled = || self.memory.and_then(|memory| memory.lists.get(&field.path).copied());
        self.config
            .lists
            .get(&field.path)
            .copied()
            .or(field.list)
            .or_else(|| if matches!(field.kind, Kind::Json { .. }) { None } else { sampled() })
            .unwrap_or(matches!(field.kind, Kind::Nested))
    }

    /// The values of enums: fields with a value of their own first, objects get what is left.
    fn name_enums(&self, fields: &mut [ExposedField]) {
        let (mut leaves, mut objects) = (Vec::new(), Vec::new());
        self.wish_enums(fields, &mut Vec::new(), &mut |field, wish| {
            if field.fields.is_empty() { leaves.push(wish) } else { objects.push(wish) }
        });
        let mut taken: HashSet<String> = HashSet::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for wishes in [leaves, objects] {
            let given = settle(&wishes, simple(&mut taken));
            names.extend(wishes.into_iter().map(|wish| wish.original).zip(given));
        }
        set_enums(fields, &mut names);
    }

    fn wish_enums<'f>(
        &'f self,
        fields: &'f [ExposedField],
        above: &mut Vec<&'f str>,
        take: &mut impl FnMut(&ExposedField, Wish),
    ) {
        for exposed in fields {
            let field = &exposed.field;
            let renamed = self.config.rename.get(&field.path).map(String::as_str);
            above.push(renamed.unwrap_or_else(|| field.name()));
            let (plain, clean) = shouted(above);
            let changed = match &above[..] {
                [name] if **name == plain => SAME,
                [name] if name.to_ascii_uppercase() == plain => NEAR,
                _ => CHANGED,
            };
            let wish = Wish {
                original: field.path.clone(),
                base: capitalised(&bare(&plain, "FIELD")),
                plain: Some(plain).filter(|plain| clean && is_plain(plain)),
                changed: if renamed.is_some() { DEMANDED } else { changed },
                kept: self.memory.and_then(|memory| memory.enums.get(&field.path).cloned()),
            };
            take(exposed, wish);
            self.wish_enums(&exposed.fields, above, take);
            above.pop();
        }
    }
}

fn set_enums(fields: &mut [ExposedField], names: &mut BTreeMap<String, String>) {
    for exposed in fields {
        exposed.enum_name = names.remove(&exposed.field.path).unwrap_or_default();
        set_enums(&mut exposed.fields, names);
    }
}

/// The same names, but those that are taken in this place get digits.
fn apart_from(taken: &[&str], names: &[String], fields: &[(FieldRef, Vec<ExposedField>)]) -> Vec<String> {
    if !names.iter().any(|name| taken.contains(&name.as_str())) {
        return names.to_vec();
    }
    let wishes: Vec<Wish> = names
        .iter()
        .zip(fields)
        .map(|(name, (field, _))| Wish {
            original: field.name().to_owned(),
            plain: Some(name.clone()),
            base: name.clone(),
            changed: SAME,
            kept: None,
        })
        .collect();
    settle(&wishes, simple(&mut taken.iter().map(|name| (*name).to_owned()).collect()))
}

/// Takes the types that objects had before, so that no new collection gets one of them.
fn hold_objects(subjects: &[Subject<'_>], shown: &[&Arc<Collection>], types: &mut Types) -> HashSet<String> {
    let mut held = HashSet::new();
    for (subject, collection) in subjects.iter().zip(shown) {
        for (path, name) in subject.memory.iter().flat_map(|memory| &memory.objects) {
            if collection.field(path).is_some_and(|field| !field.fields.is_empty()) && types.claim_object(name) {
                held.insert(name.clone());
            }
        }
    }
    held
}

/// Types of objects, level by level, as a name begins with that of what holds it: `OrderShipping`, `OrderItemParcel`.
fn name_objects(exposed: &mut [Exposed], memory: &Memory, held: &HashSet<String>, types: &mut Types) {
    let mut depth = 0;
    loop {
        let mut wishes = Vec::new();
        for exposed in &*exposed {
            let remembered = memory.of(exposed.collection.name.as_str());
            wish_objects(&exposed.names.type_name, &exposed.fields, depth, remembered, &mut |field, mut wish| {
                // unique over all collections: a name of a collection holds no blank
                wish.original = format!("{} {}", exposed.collection.name, field.field.path);
                wishes.push(wish);
            });
        }
        if wishes.is_empty() {
            return;
        }
        let mut names = settle(&wishes, |at, name| {
            let mine = wishes[at].kept.as_deref() == Some(name) && held.contains(name);
            mine || types.claim_object(name)
        })
        .into_iter();
        for exposed in &mut *exposed {
            set_objects(&mut exposed.fields, depth, &mut names);
        }
        depth += 1;
    }
}

fn wish_objects(
    stem: &str,
    fields: &[ExposedField],
    depth: usize,
    memory: Option<&Remembered>,
    take: &mut impl FnMut(&ExposedField, Wish),
) {
    for exposed in fields.iter().filter(|exposed| !exposed.fields.is_empty()) {
        if depth > 0 {
            let stem = exposed.type_name.as_deref().unwrap_or(stem);
            wish_objects(stem, &exposed.fields, depth - 1, memory, take);
            continue;
        }
        let cut = split(&exposed.name);
        let words = if exposed.list { singular_words(&cut.words) } else { cut.words };
        let plain = format!("{stem}{}", capitalised(&bare(&upper_camel(&words), "Object")));
        let wish = Wish {
            original: String::new(),
            base: plain.clone(),
            changed: if plain.ends_with(&capitalised(&exposed.name)) { SAME } else { CHANGED },
            plain: Some(plain).filter(|plain| cut.clean && is_plain(plain)),
            kept: memory.and_then(|memory| memory.objects.get(&exposed.field.path).cloned()),
        };
        take(exposed, wish);
    }
}

fn set_objects(fields: &mut [ExposedField], depth: usize, names: &mut impl Iterator<Item = String>) {
    for exposed in fields.iter_mut().filter(|exposed| !exposed.fields.is_empty()) {
        if depth > 0 {
            set_objects(&mut exposed.fields, depth - 1, names);
        } else {
            exposed.type_name = names.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{collection, holder, keyword, orders};
    use super::super::words::is_plain;
    use super::*;

    fn named(names: &[&str]) -> Vec<Arc<Collection>> {
        names.iter().map(|name| collection(name, vec![keyword("a")])).collect()
    }

    fn roots(names: &[&str]) -> Vec<(String, String, String, String)> {
        let exposed = expose(&named(names), &Config::default(), &Memory::default());
        exposed.into_iter().map(|e| (e.collection.name.to_string(), e.names.many, e.names.one, e.names.type_name)).collect()
    }

    fn root(name: &str) -> (String, String, String) {
        let (_, many, one, type_name) = roots(&[name]).remove(0);
        (many, one, type_name)
    }

    fn fields_of(fields: &[&str], config: &Config) -> Vec<ExposedField> {
        let fields = fields.iter().map(|path| keyword(path)).collect();
        expose(&[collection("things", fields)], config, &Memory::default()).remove(0).fields
    }

    #[test]
    fn plain_names() {
        for (name, many, one, type_name) in [
            ("packages", "packages", "package", "Package"),
            ("blog-posts", "blogPosts", "blogPost", "BlogPost"),
            ("blog_posts", "blogPosts", "blogPost", "BlogPost"),
            ("news", "news", "newsById", "News"),
            ("people", "people", "person", "Person"),
            ("dns-caches", "dnsCaches", "dnsCache", "DnsCache"),
            ("order-filters", "orderFilters", "orderFilter", "OrderFilter"),
        ] {
            assert_eq!(root(name), (many.into(), one.into(), type_name.into()));
        }
    }

    #[test]
    fn reserved_and_forbidden_names_get_digits_of_the_original() {
        assert_eq!(hash4("jobs"), "_5d9a");
        let (many, one, type_name) = root("jobs");
        assert_eq!((many, one, type_name), ("jobs_5d9a".into(), "job_5d9a".into(), "Job_5d9a".into()));
        let (many, _, type_name) = root("totals");
        assert_eq!((many, type_name), ("totals".into(), format!("Total{}", hash4("totals"))));
        assert_eq!(root("collections").2, format!("Collection{}", hash4("collections")), "createCollection is taken");
        assert_eq!(root("2024-logs").0, format!("n2024Logs{}", hash4("2024-logs")));
        assert_eq!(root("\u{6570}").0, format!("collection{}", hash4("\u{6570}")));
    }

    fn hash4(original: &str) -> String {
        format!("_{}", super::super::names::hash(original, 4))
    }

    #[test]
    fn of_names_that_collide_the_unchanged_one_stays() {
        let all = roots(&["blog-posts", "blog_posts", "blogPosts"]);
        let many: Vec<&str> = all.iter().map(|names| names.1.as_str()).collect();
        assert_eq!(
            many,
            ["blogPosts".to_owned() + &hash4("blog-posts"), "blogPosts".into(), "blogPosts".to_owned() + &hash4("blog_posts")]
        );
        let all = roots(&["people", "person"]);
        assert_eq!(all[0].1, "people");
        assert_eq!(all[1].1, "person");
        assert_eq!(all[0].2, format!("person{}", hash4("people")));
        assert_eq!(all[1].3, "Person");
    }

    #[test]
    fn made_up_names_go_after_real_ones() {
        let exposed = expose(&named(&["packages", "packages-suggest"]), &Config::default(), &Memory::default());
        assert_eq!(exposed[1].names.many, "packagesSuggest");
        assert_eq!(exposed[0].names.suggest, format!("packagesSuggest{}", hash4("packages")));
        let all = roots(&["purchases", "purchase-orders"]);
        assert_eq!(all[1].3, "Purchase");
        assert_eq!(all[0].3, format!("PurchaseOrder{}", hash4("purchase-orders")));
    }

    #[test]
    fn orders_are_as_in_the_contract() {
        let exposed = expose(&[orders()], &Config::default(), &Memory::default()).remove(0);
        let mut seen = Vec::new();
        walk(&exposed.fields, &mut |field| seen.push((field.enum_name.clone(), field.type_name.clone(), field.list)));
        let find =
            |name: &str| seen.iter().find(|(value, ..)| value == name).cloned().map(|(_, type_name, list)| (type_name, list));
        assert_eq!(find("SHIPPING"), Some((Some("OrderShipping".into()), false)));
        assert_eq!(find("ITEMS"), Some((Some("OrderItem".into()), true)));
        assert_eq!(find("ITEMS_PARCELS"), Some((Some("OrderItemParcel".into()), true)));
        assert_eq!(find("ITEMS_PARCELS_CARRIER"), Some((None, false)));
        assert_eq!(find("LABELS"), Some((None, true)));
        assert_eq!(find("EMBEDDING"), Some((None, false)));
        assert_eq!(exposed.names.types_name, "Orders");
    }

    #[test]
    fn the_range_of_a_key_goes_behind_a_field_of_that_name() {
        let ranges = |fields: &[&str]| -> Vec<String> {
            fields_of(fields, &Config::default()).into_iter().map(|field| field.range_name).collect()
        };
        assert_eq!(ranges(&["total", "size"]), ["totalRange", "sizeRange"]);
        assert_eq!(ranges(&["total", "totalRange"]), [format!("totalRange{}", hash4("total")), "totalRangeRange".into()]);
    }

    #[test]
    fn fields_keep_their_names_unless_they_cannot() {
        let fields = fields_of(&["nodeId", "_x", "and", "count", "@timestamp", "id", "a-b"], &Config::default());
        let names: Vec<[&str; 4]> =
            fields.iter().map(|f| [f.name.as_str(), &f.filter_name, &f.aggregate_name, f.having_name()]).collect();
        let with = |base: &str, original: &str| format!("{base}{}", hash4(original));
        let [node_id, x, and, count, time, ab] = [
            with("nodeId", "nodeId"),
            with("x", "_x"),
            with("and", "and"),
            with("count", "count"),
            with("timestamp", "@timestamp"),
            with("a_b", "a-b"),
        ];
        assert_eq!(
            names,
            [
                [node_id.as_str(); 4],
                [x.as_str(); 4],
                ["and", &and, "and", &and],
                ["count", "count", &count, &count],
                [time.as_str(); 4],
                ["id"; 4],
                [ab.as_str(); 4],
            ]
        );
        let mut relay = Config::default();
        relay.graphql.relay = true;
        let fields = fields_of(&["nodeId", "id"], &relay);
        assert_eq!((fields[0].name.as_str(), fields[1].name.clone()), ("nodeId", with("id", "id")));
    }

    #[test]
    fn settings_rename_hide_and_decide_lists() {
        let mut config = Config::default();
        config.catalog.collections.insert(
            "things".into(),
            CollectionConfig {
                name: Some("stuff".into()),
                singular: Some("pieceOfStuff".into()),
                hide: vec!["secret".into()],
                rename: [("@timestamp".to_owned(), "time".to_owned())].into(),
                lists: [("tags".to_owned(), true)].into(),
                ..CollectionConfig::default()
            },
        );
        let things = collection(
            "things",
            vec![keyword("@timestamp"), keyword("tags"), keyword("secret"), holder("hollow", Kind::Object, vec![])],
        );
        let mut memory = Memory::default();
        memory.collections.entry("things".into()).or_default().lists.insert("@timestamp".into(), true);
        let exposed = expose(&[things], &config, &memory).remove(0);
        assert_eq!(exposed.names.many, "stuff");
        assert_eq!(exposed.names.one, "pieceOfStuff");
        assert_eq!(exposed.names.type_name, "PieceOfStuff");
        assert_eq!(exposed.names.types_name, "Stuff");
        let fields: Vec<_> = exposed.fields.iter().map(|f| (f.name.as_str(), f.enum_name.as_str(), f.list)).collect();
        assert_eq!(fields, [("time", "TIME", true), ("tags", "TAGS", true)]);
    }

    #[test]
    fn include_and_exclude_narrow() {
        let config = CatalogConfig {
            include: vec!["logs-*".into(), "orders".into()],
            exclude: vec!["*-old".into(), "logs-*-x*z".into()],
            ..CatalogConfig::default()
        };
        for (name, shown) in [
            ("logs-a", true),
            ("logs-", true),
            ("logs", false),
            ("orders", true),
            ("orders2", false),
            ("logs-a-old", false),
            ("logs-a-xyz", false),
            ("logs-a-xy", true),
            (".logs-a", false),
        ] {
            assert_eq!(is_shown(&config, name), shown, "{name}");
        }
    }

    fn walk(fields: &[ExposedField], see: &mut impl FnMut(&ExposedField)) {
        for field in fields {
            see(field);
            walk(&field.fields, see);
        }
    }

    /// Every name valid, every namespace without a double.
    fn check(exposed: &[Exposed]) {
        let mut roots: HashSet<&str> = reserved::ROOTS.iter().copied().collect();
        let mut types: HashSet<String> = reserved::TYPES.iter().map(|name| (*name).to_owned()).collect();
        let mut add = |name: String| {
            assert!(is_plain(&name), "{name}");
            assert!(types.insert(name.clone()), "{name} twice");
        };
        for exposed in exposed {
            let names = &exposed.names;
            for root in [&names.many, &names.one, &names.suggest] {
                assert!(is_plain(root) && roots.insert(root), "{root} of {}", exposed.collection.name);
            }
            reserved::OF_COLLECTIONS.iter().for_each(|suffix| add(format!("{}{suffix}", names.type_name)));
            reserved::MUTATIONS.iter().for_each(|verb| add(format!("{verb}{}", names.type_name)));
            add(format!("{}BulkPayload", names.types_name));
            add(format!("bulk{}", names.types_name));
            let mut enums = HashSet::new();
            walk(&exposed.fields, &mut |field| {
                assert!(is_plain(&field.enum_name) && enums.insert(field.enum_name.clone()), "{}", field.enum_name);
                if let Some(name) = &field.type_name {
                    reserved::OF_OBJECTS.iter().for_each(|suffix| add(format!("{name}{suffix}")));
                }
                siblings(&field.fields);
            });
            siblings(&exposed.fields);
            assert!(exposed.fields.iter().all(|field| field.name != "nodeId"));
        }
    }

    fn siblings(fields: &[ExposedField]) {
        let unique = |name: fn(&ExposedField) -> &str, taken: &[&str]| {
            let mut seen: HashSet<&str> = taken.iter().copied().collect();
            for field in fields {
                let name = name(field);
                assert!(is_plain(name) && !name.starts_with('_') && seen.insert(name), "{name}");
            }
        };
        unique(|field| &field.name, &[]);
        unique(|field| &field.filter_name, reserved::FILTERS);
        unique(|field| &field.aggregate_name, reserved::AGGREGATES);
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        unique(|field| &field.range_name, &names);
        unique(ExposedField::having_name, &["and", "or", "not", "count", "nestedCount"]);
    }

    /// Pieces that make trouble when put together.
    fn awkward() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "order",
            "orders",
            "item",
            "items",
            "filter",
            "input",
            "bulk",
            "payload",
            "suggest",
            "by",
            "id",
            "job",
            "jobs",
            "node",
            "search",
            "group",
            "news",
            "person",
            "people",
            "total",
            "collection",
            "a",
            "b",
            "1",
            "and",
            "count",
            "nestedCount",
            "nodeId",
            "-",
            "_",
            "__",
            ".",
            "-",
            "_",
            "@",
            "+",
            "\u{e9}",
            "\u{6570}",
            "A",
            "B",
            "S",
        ]);
        prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
    }

    /// A collection with an object and a nested field beside its plain ones.
    fn thing() -> impl Strategy<Value = Arc<Collection>> {
        let parts = prop::collection::btree_set(awkward().prop_map(|name| name.replace('.', "")), 1..6);
        (awkward(), parts).prop_filter_map("hidden", |(name, parts)| {
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let mut fields: Vec<_> = parts.iter().map(|part| keyword(part)).collect();
            let below = |path: &str| parts.iter().map(|part| keyword(&format!("{path}.{part}"))).collect();
            if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
                fields[0] = holder(first, Kind::Object, below(first));
                if first != last {
                    fields.pop();
                    let inner = format!("{last}.{first}");
                    let inner = holder(&inner, Kind::Nested, below(&inner));
                    fields.push(holder(last, Kind::Nested, vec![inner]));
                }
            }
            (!name.starts_with('.') && !parts.is_empty()).then(|| collection(&name, fields))
        })
    }

    fn by_name(exposed: &[Exposed]) -> BTreeMap<String, &Exposed> {
        exposed.iter().map(|exposed| (exposed.collection.name.to_string(), exposed)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_names_give_valid_ones_in_any_order(mut things in prop::collection::vec(thing(), 1..12)) {
            let config = Config::default();
            things.sort_by(|a, b| a.name.cmp(&b.name));
            things.dedup_by(|a, b| a.name == b.name);
            let exposed = expose(&things, &config, &Memory::default());
            check(&exposed);
            things.reverse();
            prop_assert_eq!(&expose(&things, &config, &Memory::default()), &exposed);
            // a name that needs no change keeps it
            for exposed in &exposed {
                let name = exposed.collection.name.as_str();
                if is_plain(name) && split(name).words.len() == 1 && name.starts_with(|c: char| c.is_ascii_lowercase())
                    && !name.contains('_') && !reserved::ROOTS.contains(&name) {
                    prop_assert_eq!(&exposed.names.many, name);
                }
            }
        }

        #[test]
        fn a_new_one_renames_nothing(things in prop::collection::vec(thing(), 2..12)) {
            let config = Config::default();
            let mut memory = Memory::default();
            let mut before: Vec<Exposed> = Vec::new();
            for count in 1..=things.len() {
                let after = expose(&things[..count], &config, &memory);
                check(&after);
                let all = by_name(&after);
                for old in &before {
                    let new = all[old.collection.name.as_str()];
                    if new.collection == old.collection {
                        prop_assert_eq!(new, old);
                    }
                }
                memory.remember(&after);
                before = after;
            }
        }

        #[test]
        fn a_new_field_renames_no_field(names in prop::collection::btree_set(awkward().prop_map(|name| name.replace('.', "")), 2..10)) {
            let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            let all = fields_of(&names, &Config::default());
            for (at, name) in names.iter().enumerate() {
                let alone = fields_of(&[name], &Config::default());
                prop_assert_eq!(&alone[0].name, &all[at].name);
                prop_assert_eq!(&alone[0].filter_name, &all[at].filter_name);
            }
        }
    }
}
