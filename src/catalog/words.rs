//! Words inside names: cutting a name into words, writing them as GraphQL writes them, and the singular of a word.
//! Pure; which of two names gets a word is decided in `names`.

use heck::ToShoutySnakeCase;

/// Words whose singular the inflector gets wrong, or that have none. Sorted by the plural.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("access", "access"),
    ("acs", "acs"),
    ("address", "address"),
    ("alias", "alias"),
    ("aliases", "alias"),
    ("analyses", "analysis"),
    ("analysis", "analysis"),
    ("apis", "api"),
    ("apparatus", "apparatus"),
    ("atlas", "atlas"),
    ("atlases", "atlas"),
    ("aws", "aws"),
    ("axes", "axis"),
    ("axis", "axis"),
    ("bases", "base"),
    ("basis", "basis"),
    ("bias", "bias"),
    ("biases", "bias"),
    ("bonus", "bonus"),
    ("bonuses", "bonus"),
    ("bus", "bus"),
    ("buses", "bus"),
    ("business", "business"),
    ("caches", "cache"),
    ("campus", "campus"),
    ("campuses", "campus"),
    ("canvas", "canvas"),
    ("canvases", "canvas"),
    ("census", "census"),
    ("censuses", "census"),
    ("chaos", "chaos"),
    ("chassis", "chassis"),
    ("class", "class"),
    ("consensus", "consensus"),
    ("cookies", "cookie"),
    ("corpora", "corpus"),
    ("corps", "corps"),
    ("corpus", "corpus"),
    ("cors", "cors"),
    ("cosmos", "cosmos"),
    ("cps", "cps"),
    ("criteria", "criterion"),
    ("css", "css"),
    ("data", "data"),
    ("databases", "database"),
    ("dhcps", "dhcps"),
    ("diagnoses", "diagnosis"),
    ("diagnosis", "diagnosis"),
    ("dns", "dns"),
    ("dos", "dos"),
    ("ethos", "ethos"),
    ("focus", "focus"),
    ("fps", "fps"),
    ("gas", "gas"),
    ("gases", "gas"),
    ("genius", "genius"),
    ("genus", "genus"),
    ("gps", "gps"),
    ("headquarters", "headquarters"),
    ("https", "https"),
    ("hypotheses", "hypothesis"),
    ("hypothesis", "hypothesis"),
    ("ids", "id"),
    ("index", "index"),
    ("indexes", "index"),
    ("indices", "index"),
    ("ios", "ios"),
    ("iris", "iris"),
    ("jenkins", "jenkins"),
    ("js", "js"),
    ("keys", "key"),
    ("kubernetes", "kubernetes"),
    ("lens", "lens"),
    ("lenses", "lens"),
    ("loss", "loss"),
    ("macos", "macos"),
    ("matrices", "matrix"),
    ("means", "means"),
    ("media", "media"),
    ("menus", "menu"),
    ("metadata", "metadata"),
    ("minus", "minus"),
    ("movies", "movie"),
    ("nas", "nas"),
    ("news", "news"),
    ("nexus", "nexus"),
    ("oasis", "oasis"),
    ("octopuses", "octopus"),
    ("ops", "ops"),
    ("os", "os"),
    ("paas", "paas"),
    ("pass", "pass"),
    ("people", "person"),
    ("plus", "plus"),
    ("pos", "pos"),
    ("process", "process"),
    ("progress", "progress"),
    ("prometheus", "prometheus"),
    ("purchases", "purchase"),
    ("radius", "radius"),
    ("redis", "redis"),
    ("releases", "release"),
    ("rss", "rss"),
    ("saas", "saas"),
    ("series", "series"),
    ("sms", "sms"),
    ("species", "species"),
    ("statistics", "statistic"),
    ("status", "status"),
    ("statuses", "status"),
    ("surplus", "surplus"),
    ("syllabus", "syllabus"),
    ("synopsis", "synopsis"),
    ("taxes", "tax"),
    ("tennis", "tennis"),
    ("theses", "thesis"),
    ("thesis", "thesis"),
    ("tls", "tls"),
    ("trellis", "trellis"),
    ("tvs", "tv"),
    ("uris", "uri"),
    ("vertices", "vertex"),
    ("virus", "virus"),
    ("viruses", "virus"),
    ("vms", "vm"),
    ("vps", "vps"),
    ("windows", "windows"),
    ("yes", "yes"),
];

/// The singular of a word in lower case; the word itself where it has none.
pub(super) fn singular(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    if let Ok(at) = EXCEPTIONS.binary_search_by(|(plural, _)| (*plural).cmp(lower.as_str())) {
        return EXCEPTIONS[at].1.to_owned();
    }
    // too short to have a plural that one could tell apart, and words that end in a digit
    if lower.len() < 3 || lower.ends_with(|c: char| !c.is_ascii_lowercase()) {
        return lower;
    }
    let single = pluralizer::pluralize(&lower, 1, false);
    if is_plain(&single) { single } else { lower }
}

/// A name in words. `clean` is false where letters were lost that another name may differ by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) words: Vec<String>,
    pub(super) clean: bool,
}

/// Cuts at `-`, `_`, `.` and where a small letter meets a capital one. Anything else that GraphQL cannot write is lost.
pub(super) fn split(name: &str) -> Words {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut clean = true;
    let mut was_small = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && was_small && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            was_small = !c.is_ascii_uppercase();
            word.push(c);
        } else {
            clean &= matches!(c, '-' | '_' | '.');
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    Words { words, clean }
}

/// `blogPosts`. Capitals inside a word stay: `userIDs`.
pub(super) fn lower_camel(words: &[String]) -> String {
    let mut name = upper_camel(words);
    // a first word in capitals goes down whole: URLs of `URL-list` is `urlList`
    let first = words.first().map_or(0, |word| if is_shouted(word) { word.len() } else { 1 });
    if let Some(head) = name.get_mut(..first) {
        head.make_ascii_lowercase();
    }
    name
}

/// `BlogPosts`.
pub(super) fn upper_camel(words: &[String]) -> String {
    words.iter().map(|word| capitalised(word)).collect()
}

fn is_shouted(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The words with the last one in the singular.
pub(super) fn singular_words(words: &[String]) -> Vec<String> {
    let mut single = words.to_vec();
    if let Some(last) = single.last_mut() {
        let word = singular(last);
        if last.to_ascii_lowercase().starts_with(&word) {
            // keeps capitals: `IDs` gives `ID`
            last.truncate(word.len());
        } else {
            *last = if last.starts_with(|c: char| c.is_ascii_uppercase()) { capitalised(&word) } else { word };
        }
    }
    single
}

pub(super) fn capitalised(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(head) = word.get_mut(..1) {
        head.make_ascii_uppercase();
    }
    word
}

/// `INSTALLED_SIZE`, `OFFERS_PRICE`: a path as an enum value; and whether no letter was lost on the way.
pub(super) fn shouted(path: &[&str]) -> (String, bool) {
    let name = path.iter().map(|segment| segment.to_shouty_snake_case()).collect::<Vec<_>>().join("_");
    let clean = path
        .iter()
        .all(|segment| is_plain(segment) && !segment.starts_with('_') && !segment.ends_with('_') && !segment.contains("__"));
    (name, clean)
}

/// GraphQL can write it, and it does not start with `__`, which is introspection's.
pub(super) fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with("__")
}

/// What is left of a name when all that GraphQL cannot write became `_`; begins with a letter. `spare` where nothing is left.
pub(super) fn bare(name: &str, spare: &str) -> String {
    let kept: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let kept = kept.trim_matches('_');
    if kept.is_empty() {
        spare.to_owned()
    } else if kept.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{kept}")
    } else {
        kept.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> Vec<String> {
        split(name).words
    }

    #[test]
    fn exceptions_are_sorted() {
        assert!(EXCEPTIONS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn singulars_of_what_indices_are_called() {
        let mut wrong = Vec::new();
        for (plural, single) in [
            ("packages", "package"),
            ("places", "place"),
            ("orders", "order"),
            ("posts", "post"),
            ("categories", "category"),
            ("companies", "company"),
            ("caches", "cache"),
            ("dns", "dns"),
            ("sms", "sms"),
            ("aws", "aws"),
            ("people", "person"),
            ("news", "news"),
            ("series", "series"),
            ("data", "data"),
            ("status", "status"),
            ("statuses", "status"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("batches", "batch"),
            ("matches", "match"),
            ("branches", "branch"),
            ("movies", "movie"),
            ("children", "child"),
            ("men", "man"),
            ("women", "woman"),
            ("mice", "mouse"),
            ("feet", "foot"),
            ("leaves", "leaf"),
            ("lives", "life"),
            ("knives", "knife"),
            ("heroes", "hero"),
            ("potatoes", "potato"),
            ("photos", "photo"),
            ("videos", "video"),
            ("logs", "log"),
            ("metrics", "metric"),
            ("events", "event"),
            ("traces", "trace"),
            ("invoices", "invoice"),
            ("services", "service"),
            ("devices", "device"),
            ("prices", "price"),
            ("sources", "source"),
            ("houses", "house"),
            ("warehouses", "warehouse"),
            ("courses", "course"),
            ("cases", "case"),
            ("responses", "response"),
            ("expenses", "expense"),
            ("licenses", "license"),
            ("licences", "licence"),
            ("phases", "phase"),
            ("databases", "database"),
            ("releases", "release"),
            ("purchases", "purchase"),
            ("processes", "process"),
            ("classes", "class"),
            ("businesses", "business"),
            ("indices", "index"),
            ("vertices", "vertex"),
            ("matrices", "matrix"),
            ("analyses", "analysis"),
            ("criteria", "criterion"),
            ("media", "media"),
            ("users", "user"),
            ("tags", "tag"),
            ("cities", "city"),
            ("countries", "country"),
            ("keys", "key"),
            ("days", "day"),
            ("toys", "toy"),
            ("queries", "query"),
            ("entries", "entry"),
            ("files", "file"),
            ("images", "image"),
            ("messages", "message"),
            ("pages", "page"),
            ("languages", "language"),
            ("recipes", "recipe"),
            ("shoes", "shoe"),
            ("tables", "table"),
            ("articles", "article"),
            ("vehicles", "vehicle"),
            ("roles", "role"),
            ("rules", "rule"),
            ("employees", "employee"),
            ("fees", "fee"),
            ("trees", "tree"),
            ("degrees", "degree"),
            ("taxes", "tax"),
            ("indexes", "index"),
            ("quizzes", "quiz"),
            ("sheep", "sheep"),
            ("fish", "fish"),
            ("information", "information"),
            ("equipment", "equipment"),
            ("glasses", "glass"),
            ("buses", "bus"),
            ("gases", "gas"),
            ("viruses", "virus"),
            ("wolves", "wolf"),
            ("shelves", "shelf"),
            ("halves", "half"),
            ("knowledge", "knowledge"),
            ("cookies", "cookie"),
            ("zombies", "zombie"),
            ("ties", "tie"),
            ("stories", "story"),
            ("games", "game"),
            ("themes", "theme"),
            ("schemas", "schema"),
            ("cameras", "camera"),
            ("areas", "area"),
            ("ideas", "idea"),
            ("pizzas", "pizza"),
            ("visas", "visa"),
            ("menus", "menu"),
            ("taxis", "taxi"),
            ("emojis", "emoji"),
            ("apis", "api"),
            ("uris", "uri"),
            ("urls", "url"),
            ("ids", "id"),
            ("gps", "gps"),
            ("css", "css"),
            ("https", "https"),
            ("redis", "redis"),
            ("kubernetes", "kubernetes"),
            ("windows", "windows"),
            ("lens", "lens"),
            ("bus", "bus"),
            ("gas", "gas"),
            ("virus", "virus"),
            ("address", "address"),
            ("process", "process"),
            ("class", "class"),
            ("access", "access"),
            ("canvas", "canvas"),
            ("campus", "campus"),
            ("analysis", "analysis"),
            ("basis", "basis"),
            ("crisis", "crisis"),
            ("package", "package"),
            ("order", "order"),
            ("person", "person"),
            ("child", "child"),
            ("weather", "weather"),
            ("gazetteer", "gazetteer"),
            ("geonames", "geoname"),
            ("parcels", "parcel"),
            ("items", "item"),
            ("offers", "offer"),
            ("values", "value"),
            ("issues", "issue"),
            ("venues", "venue"),
            ("statistics", "statistic"),
            ("bonuses", "bonus"),
            ("aliases", "alias"),
            ("synonyms", "synonym"),
            ("exercises", "exercise"),
            ("franchises", "franchise"),
            ("enterprises", "enterprise"),
            ("promises", "promise"),
            ("diseases", "disease"),
            ("leases", "lease"),
            ("spaces", "space"),
            ("faces", "face"),
            ("races", "race"),
            ("choices", "choice"),
            ("juices", "juice"),
            ("slices", "slice"),
            ("ages", "age"),
            ("edges", "edge"),
            ("judges", "judge"),
            ("badges", "badge"),
            ("moves", "move"),
            ("waves", "wave"),
            ("archives", "archive"),
            ("drives", "drive"),
            ("curves", "curve"),
            ("nodes", "node"),
            ("codes", "code"),
            ("modes", "mode"),
            ("episodes", "episode"),
            ("axes", "axis"),
            ("oxen", "ox"),
            ("geese", "goose"),
            ("teeth", "tooth"),
            ("dice", "die"),
            ("alumni", "alumnus"),
            ("vs", "vs"),
            ("s", "s"),
            ("logs2", "logs2"),
            ("2024", "2024"),
        ] {
            if singular(plural) != single {
                wrong.push((plural, singular(plural)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn words_are_cut_and_joined() {
        for (name, lower, upper) in [
            ("blog-posts", "blogPosts", "BlogPosts"),
            ("blog_posts", "blogPosts", "BlogPosts"),
            ("blog.posts", "blogPosts", "BlogPosts"),
            ("blogPosts", "blogPosts", "BlogPosts"),
            ("BlogPosts", "blogPosts", "BlogPosts"),
            ("-blog--posts-", "blogPosts", "BlogPosts"),
            ("logs-2024.01", "logs202401", "Logs202401"),
            ("userIDs", "userIDs", "UserIDs"),
            ("URL-list", "urlList", "URLList"),
            ("a", "a", "A"),
        ] {
            let cut = split(name);
            assert!(cut.clean, "{name}");
            assert_eq!(lower_camel(&cut.words), lower, "{name}");
            assert_eq!(upper_camel(&cut.words), upper, "{name}");
        }
        assert!(!split("caf\u{e9}").clean);
        assert!(!split("a+b").clean);
        assert_eq!(words("\u{6570}\u{636e}"), Vec::<String>::new());
        assert_eq!(upper_camel(&singular_words(&words("lineItems"))), "LineItem");
        assert_eq!(upper_camel(&singular_words(&words("userIDs"))), "UserID");
    }

    #[test]
    fn enum_values_join_the_path() {
        for (path, value, clean) in [
            ("installedSize", "INSTALLED_SIZE", true),
            ("installed_size", "INSTALLED_SIZE", true),
            ("offers.price", "OFFERS_PRICE", true),
            ("items.parcels.carrier", "ITEMS_PARCELS_CARRIER", true),
            ("clientIp", "CLIENT_IP", true),
            ("HTTPStatus", "HTTP_STATUS", true),
            ("md5sum", "MD5SUM", true),
            ("_foo", "FOO", false),
            ("@timestamp", "TIMESTAMP", false),
            ("a__b", "A_B", false),
            ("installed-size", "INSTALLED_SIZE", false),
        ] {
            let segments: Vec<&str> = path.split('.').collect();
            assert_eq!(shouted(&segments), (value.to_owned(), clean), "{path}");
        }
    }

    #[test]
    fn bare_names_begin_with_a_letter() {
        for (name, left) in
            [("_id", "id"), ("1st", "n1st"), ("@timestamp", "timestamp"), ("a-b", "a_b"), ("\u{540d}", "x"), ("__", "x")]
        {
            assert_eq!(bare(name, "x"), left);
            assert!(is_plain(&bare(name, "x")));
        }
    }
}
