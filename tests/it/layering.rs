//! The house against its map: which module may use which, and where foreign crates may be named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every Rust file of the library, by its path under `src`; those of the crate `search` by `search/`, which stands below them all.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
        for entry in folder.read_dir().unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (root, search) = (house.join("src"), house.join("search/src"));
    let (mut found, mut below) = (BTreeMap::new(), BTreeMap::new());
    walk(&root, &root, &mut found);
    walk(&search, &search, &mut below);
    found.extend(below.into_iter().map(|(file, text)| (format!("search/{file}"), text)));
    assert!(found.len() > 20, "the sources are not where they should be");
    found
}

/// `search/date/mod.rs` -> `search`
fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The modules that a file names by `crate::…`, with the line; comments left out.
fn used(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap_or(group).split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let name: String = name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !name.is_empty() {
                    found.push((number + 1, name));
                }
            }
        }
    }
    found
}

/// `docs/ARCHITECTURE.md` has a table: module | may use.
fn map() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| module | may use |")).skip(2);
    let names = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            (names(cells[0]).into_iter().next().unwrap(), names(cells[1]))
        })
        .collect()
}

#[test]
fn modules_use_only_those_below_them() {
    let map = map();
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        // a crate of its own cannot see what uses it
        if matches!(module, "lib" | "main" | "search") {
            continue;
        }
        let Some(allowed) = map.get(module) else {
            faults.push(format!("src/{file}: the module {module} is not on the map"));
            continue;
        };
        for (line, name) in used(&text) {
            // test modules may stand on more
            if name != module && !allowed.contains(&name) && map.contains_key(&name) {
                faults.push(format!("src/{file}:{line}: {module} may not use {name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_map_names_every_module_and_has_no_circles() {
    let map = map();
    let modules: BTreeSet<String> = sources().keys().map(|file| module_of(file).to_owned()).collect();
    for module in modules.iter().filter(|module| !matches!(module.as_str(), "lib" | "main")) {
        assert!(map.contains_key(module), "{module} is not in docs/ARCHITECTURE.md");
    }
    for module in map.keys() {
        assert!(modules.contains(module), "docs/ARCHITECTURE.md names {module}, which is not there");
    }
    // whoever can be reached from a module may not reach it
    fn reach(map: &BTreeMap<String, BTreeSet<String>>, from: &str, seen: &mut BTreeSet<String>) {
        for next in map.get(from).into_iter().flatten() {
            if seen.insert(next.clone()) {
                reach(map, next, seen);
            }
        }
    }
    for module in map.keys() {
        let mut seen = BTreeSet::new();
        reach(&map, module, &mut seen);
        assert!(!seen.contains(module), "{module} can reach itself");
    }
}

#[test]
fn engines_do_not_see_each_other() {
    for (file, text) in sources() {
        for (inside, other) in [("search/elastic/", "embedded"), ("search/embedded/", "elastic")] {
            if file.starts_with(inside) {
                for path in [format!("super::{other}"), format!("crate::{other}::")] {
                    assert!(!text.contains(&path), "src/{file} names {path}");
                }
            }
        }
    }
}

#[test]
fn foreign_crates_are_named_in_one_place() {
    let homes: [(&str, &[&str]); 6] = [
        ("axum", &["server", "rest/", "pages/", "graphql/endpoint"]),
        ("async_graphql", &["graphql/"]),
        ("apollo_compiler", &["graphql/"]),
        ("elasticsearch", &["search/elastic/"]),
        ("tantivy", &["search/embedded/"]),
        ("redb", &["search/embedded/"]),
    ];
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for (krate, allowed) in homes {
            if allowed.iter().any(|home| file.starts_with(home)) {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                let named = line
                    .match_indices(&format!("{krate}::"))
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
                if named {
                    faults.push(format!("src/{file}:{}: {krate} is not for here", number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Handlers take hooke as the viewer of the request may use it: the state itself is the whole of it. Those of accounts look at no documents.
#[test]
fn handlers_see_no_more_than_their_viewer() {
    let accounts =
        ["rest/accounts.rs", "rest/users.rs", "rest/keys.rs", "pages/accounts/account.rs", "pages/accounts/entrance.rs"];
    for (file, text) in sources() {
        let handlers = (file.starts_with("rest/") || file.starts_with("pages/")) && !accounts.contains(&file.as_str());
        assert!(!handlers || !text.contains("<Arc<App>>,"), "src/{file}: take Mine in place of the state");
        let whole = ["app.engine", "app.catalog", "app.jobs"].iter().any(|part| text.contains(part));
        assert!(!accounts.contains(&file.as_str()) || !whole, "src/{file} looks at documents");
    }
}
