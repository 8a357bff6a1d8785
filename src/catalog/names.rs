//! Who gets which name. A name is first what it plainly is; where GraphQL forbids that, where it is reserved, or where it
//! collides, it gets `_` and four hex digits of the SHA-256 of the original.
//!
//! Nothing here depends on the order in which things are looked at. Among those that meet at the same moment, one that needs
//! no change keeps its name, and all others that wish for it get digits. A name once given stays: whatever came first
//! ([`Wish::kept`]) goes before whatever comes now, so that a new index never renames an old one.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::reserved;
use super::words::{bare, capitalised, is_plain, lower_camel, singular_words, split, upper_camel};
use super::{Names, Remembered};
use crate::config::CollectionConfig;

/// What something would like to be called.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Whose digits are taken; unique among the wishes of one call.
    pub(super) original: String,
    /// `None` where GraphQL forbids it or it is reserved.
    pub(super) plain: Option<String>,
    /// Stands before the digits.
    pub(super) base: String,
    /// How far the name was changed to become `plain`: the least changed keeps it.
    pub(super) changed: u8,
    /// The name it had until now.
    pub(super) kept: Option<String>,
}

/// By settings: comes before everything else.
pub(super) const DEMANDED: u8 = 0;
pub(super) const SAME: u8 = 1;
pub(super) const NEAR: u8 = 2;
pub(super) const CHANGED: u8 = 3;

/// One name for each wish, in their order. `claim` takes a name (and all that is made of it) for a wish unless something has it.
pub(super) fn settle(wishes: &[Wish], mut claim: impl FnMut(usize, &str) -> bool) -> Vec<String> {
    let mut given: Vec<Option<String>> = vec![None; wishes.len()];
    let mut wanted: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|a, b| wishes[*a].original.cmp(&wishes[*b].original));
    for &at in &order {
        if let Some(plain) = &wishes[at].plain {
            // short ones first: `Order` and all that is made of it goes before `OrderFilter`
            wanted.entry((plain.len(), plain)).or_default().push(at);
        }
    }
    let winner = |group: &[usize]| {
        let least = group.iter().map(|&at| wishes[at].changed).min()?;
        let mut best = group.iter().filter(|&&at| wishes[at].changed == least);
        let first = best.next().copied();
        if best.next().is_none() { first } else { None }
    };
    let winners: Vec<usize> = wanted.values().filter_map(|group| winner(group)).collect();
    for &at in winners.iter().filter(|&&at| wishes[at].changed == DEMANDED) {
        give(&mut given[at], wishes[at].plain.clone(), |name| claim(at, name));
    }
    for &at in &order {
        let wish = &wishes[at];
        if wish.changed != DEMANDED {
            give(&mut given[at], wish.kept.clone().filter(|kept| wish.could_be(kept)), |name| claim(at, name));
        }
    }
    for &at in &winners {
        give(&mut given[at], wishes[at].plain.clone(), |name| claim(at, name));
    }
    for &at in &order {
        // more digits only where four were not enough: another name happens to look like this one
        for digits in (4..=64).step_by(4) {
            if given[at].is_none() {
                let name = format!("{}_{}", wishes[at].base, hash(&wishes[at].original, digits));
                give(&mut given[at], Some(name), |name| claim(at, name));
            }
        }
    }
    given
        .into_iter()
        .zip(wishes)
        .map(|(name, wish)| name.unwrap_or_else(|| format!("{}_{}", wish.base, hash(&wish.original, 64))))
        .collect()
}

fn give(place: &mut Option<String>, name: Option<String>, claim: impl FnOnce(&str) -> bool) {
    if place.is_none() {
        *place = name.filter(|name| claim(name));
    }
}

impl Wish {
    /// Whether a name of former days is still one that this wish may end with.
    fn could_be(&self, name: &str) -> bool {
        self.plain.as_deref() == Some(name)
            || name
                .strip_prefix(&self.base)
                .and_then(|rest| rest.strip_prefix('_'))
                .is_some_and(|digits| digits.len() >= 4 && digits == hash(&self.original, digits.len()))
    }
}

/// The first hex digits of the SHA-256 of a text.
pub(super) fn hash(original: &str, digits: usize) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, original.as_bytes());
    let mut hex = digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.truncate(digits);
    hex
}

/// The name, with digits of what it comes from where it is taken.
pub(super) fn apart(name: &str, original: &str, taken: &[&str]) -> String {
    if taken.contains(&name) { format!("{name}_{}", hash(original, 4)) } else { name.to_owned() }
}

/// A namespace in which every name stands for itself.
pub(super) fn simple(taken: &mut HashSet<String>) -> impl FnMut(usize, &str) -> bool {
    |_, name| taken.insert(name.to_owned())
}

/// The same, where some have a name in hand already.
fn beside<'a>(taken: &'a mut HashSet<String>, held: &'a [Option<String>]) -> impl FnMut(usize, &str) -> bool + 'a {
    |at, name| held[at].as_deref() == Some(name) || taken.insert(name.to_owned())
}

/// The namespace of types, with mutations. Each name that is claimed brings along all that is made of it.
#[derive(Debug)]
pub(super) struct Types {
    taken: HashSet<String>,
}

impl Types {
    pub(super) fn new() -> Self {
        Types { taken: reserved::TYPES.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn claim(&mut self, made: Vec<String>) -> bool {
        let free = made.iter().all(|name| !self.taken.contains(name));
        if free {
            self.taken.extend(made);
        }
        free
    }

    fn claim_collection(&mut self, type_name: &str) -> bool {
        let suffixed = reserved::OF_COLLECTIONS.iter().map(|suffix| format!("{type_name}{suffix}"));
        let mutations = reserved::MUTATIONS.iter().map(|verb| format!("{verb}{type_name}"));
        self.claim(suffixed.chain(mutations).collect())
    }

    pub(super) fn claim_object(&mut self, type_name: &str) -> bool {
        self.claim(reserved::OF_OBJECTS.iter().map(|suffix| format!("{type_name}{suffix}")).collect())
    }
}

/// What settings, memory and the original say of one collection's names.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) config: Option<&'a CollectionConfig>,
    pub(super) memory: Option<&'a Remembered>,
}

/// The names of collections, in their order. `types` goes on to hold those of their objects.
pub(super) fn of_collections(subjects: &[Subject<'_>], types: &mut Types) -> Vec<Names> {
    let stems: Vec<Stem> = subjects.iter().map(Stem::of).collect();
    let mut roots: HashSet<String> = reserved::ROOTS.iter().map(|name| (*name).to_owned()).collect();
    let memory = |at: usize, role: fn(&Remembered) -> &str| {
        subjects[at].memory.map(|memory| role(memory).to_owned()).filter(|name| !name.is_empty())
    };

    // in one namespace, the more important first: the list, the single document, the completion. What was given to any of
    // them before is out of reach for the others
    let demanded: HashSet<&str> =
        stems.iter().flat_map(|stem| [&stem.demanded, &stem.demanded_single]).flatten().map(String::as_str).collect();
    let mut hold = |role: fn(&Remembered) -> &str| -> Vec<Option<String>> {
        let kept = (0..subjects.len()).map(|at| memory(at, role).filter(|name| !demanded.contains(name.as_str())));
        kept.map(|name| name.filter(|name| roots.insert(name.clone()))).collect()
    };
    let held = [hold(|m| &m.many), hold(|m| &m.one), hold(|m| &m.suggest)];
    let wishes: Vec<Wish> = stems.iter().enumerate().map(|(at, stem)| stem.many(memory(at, |m| &m.many))).collect();
    let many = settle(&wishes, beside(&mut roots, &held[0]));
    let wishes: Vec<Wish> = stems.iter().enumerate().map(|(at, stem)| stem.one(memory(at, |m| &m.one))).collect();
    let one = settle(&wishes, beside(&mut roots, &held[1]));
    let wishes: Vec<Wish> =
        stems.iter().enumerate().map(|(at, stem)| stem.suggest(&many[at], memory(at, |m| &m.suggest))).collect();
    let suggest = settle(&wishes, beside(&mut roots, &held[2]));

    let wishes: Vec<Wish> = stems.iter().enumerate().map(|(at, stem)| stem.type_name(memory(at, |m| &m.type_name))).collect();
    let type_names = settle(&wishes, |_, name| types.claim_collection(name));
    let mut wholes = HashSet::new();
    let wishes: Vec<Wish> = stems.iter().zip(&type_names).map(|(stem, type_name)| stem.types_name(type_name)).collect();
    let types_names = settle(&wishes, |_, name| {
        wholes.insert(name.to_owned()) && types.claim(vec![format!("{name}BulkPayload"), format!("bulk{name}")])
    });

    many.into_iter()
        .zip(one)
        .zip(suggest)
        .zip(type_names)
        .zip(types_names)
        .map(|((((many, one), suggest), type_name), types_name)| Names { many, one, suggest, type_name, types_name })
        .collect()
}

/// A collection's name in words, as far as it goes before anybody else is looked at.
struct Stem {
    original: String,
    plural: Vec<String>,
    single: Vec<String>,
    /// The root field as settings want it, letter by letter.
    demanded: Option<String>,
    demanded_single: Option<String>,
    clean: bool,
}

impl Stem {
    fn of(subject: &Subject<'_>) -> Stem {
        let name = subject.config.and_then(|config| config.name.as_deref());
        let cut = split(name.unwrap_or(subject.name));
        let singular = subject.config.and_then(|config| config.singular.as_deref());
        let single = singular.map_or_else(|| singular_words(&cut.words), |singular| split(singular).words);
        let usable = |name: &str| is_plain(name) && !name.starts_with('_');
        Stem {
            original: subject.name.to_owned(),
            clean: cut.clean && cut.words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())),
            plural: cut.words,
            single,
            demanded: name.filter(|name| usable(name)).map(str::to_owned),
            demanded_single: singular.filter(|name| usable(name)).map(str::to_owned),
        }
    }

    fn wish(&self, plain: String, changed: u8, kept: Option<String>) -> Wish {
        Wish {
            original: self.original.clone(),
            base: bare(&plain, "collection"),
            plain: Some(plain).filter(|plain| self.clean && is_plain(plain)),
            changed,
            kept,
        }
    }

    fn many(&self, kept: Option<String>) -> Wish {
        match &self.demanded {
            Some(name) => self.wish(name.clone(), DEMANDED, kept),
            None => {
                let plain = lower_camel(&self.plural);
                let changed = if plain == self.original { SAME } else { CHANGED };
                self.wish(plain, changed, kept)
            }
        }
    }

    fn one(&self, kept: Option<String>) -> Wish {
        let many = self.demanded.clone().unwrap_or_else(|| lower_camel(&self.plural));
        let single = self.demanded_single.clone().unwrap_or_else(|| lower_camel(&self.single));
        if single == many {
            self.wish(format!("{many}ById"), CHANGED, kept)
        } else {
            self.wish(single, if self.demanded_single.is_some() { DEMANDED } else { CHANGED }, kept)
        }
    }

    /// Follows the root field, digits and all.
    fn suggest(&self, many: &str, kept: Option<String>) -> Wish {
        let plain = format!("{many}Suggest");
        Wish { original: self.original.clone(), base: plain.clone(), plain: Some(plain), changed: CHANGED, kept }
    }

    fn type_name(&self, kept: Option<String>) -> Wish {
        let plain = upper_camel(&self.single);
        let changed = match (&self.demanded, &self.demanded_single) {
            (None, None) if upper_camel(std::slice::from_ref(&self.original)) == plain => SAME,
            (None, None) => CHANGED,
            _ => NEAR,
        };
        let wish = self.wish(plain, changed, kept);
        Wish { base: capitalised(&wish.base), ..wish }
    }

    /// Has digits where the type has them.
    fn types_name(&self, type_name: &str) -> Wish {
        let single = capitalised(&bare(&upper_camel(&self.single), "collection"));
        let plural = capitalised(&bare(&upper_camel(&self.plural), "collection"));
        let digits = type_name.strip_prefix(&single).unwrap_or_default();
        let plain = format!("{plural}{digits}");
        Wish { original: self.original.clone(), base: plain.clone(), plain: Some(plain), changed: CHANGED, kept: None }
    }
}
