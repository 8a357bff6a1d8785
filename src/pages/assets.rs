//! The files that pages load: from the binary, where the build put them, under names that hold a hash of what is in them.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::fault::Fault;
use crate::error::Code;

struct File {
    /// What pages call it: `hooke.css`.
    name: &'static str,
    /// Its name with the hash: `hooke-1f2e.css`.
    file: &'static str,
    bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where Bootstrap comes from when npm did not bring it: the same version, held by its hash.
const CDN: &str = "https://cdn.jsdelivr.net";
const CDN_STYLE: &str = "https://cdn.jsdelivr.net/npm/bootstrap@5.3.8/dist/css/bootstrap.min.css";
const CDN_HASH: &str = "sha384-sRIl4kxILFvY47J16cr9ZwB07vP4J8+LH7qKQnuqkuIAvNWLzeN8tE5YBujZqJLB";

/// A file under its name never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// A style sheet, and the hash that it must have where it comes from somebody else.
pub(super) struct Style {
    pub(super) address: String,
    pub(super) integrity: Option<&'static str>,
}

pub(super) const fn is_bundled() -> bool {
    BUNDLED
}

/// The path of a file; empty where the build has none of this name.
pub(super) fn address(name: &str) -> String {
    FILES.iter().find(|file| file.name == name).map(|file| format!("/assets/{}", file.file)).unwrap_or_default()
}

pub(super) fn bootstrap() -> Style {
    if BUNDLED {
        Style { address: address("bootstrap.css"), integrity: None }
    } else {
        Style { address: CDN_STYLE.to_owned(), integrity: Some(CDN_HASH) }
    }
}

/// The policy of a page. `styled` is for the editor of the playground, which writes styles into the page as it goes.
pub(super) fn policy(styled: bool) -> String {
    let cdn = if BUNDLED { String::new() } else { format!(" {CDN}") };
    let inline = if styled { " 'unsafe-inline'" } else { "" };
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self'{cdn}{inline}; img-src 'self' data:; font-src 'self' data:; \
         connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

pub(super) async fn send_asset(Path(file): Path<String>) -> Response {
    send(|known| known.file == file)
}

pub(super) async fn send_icon() -> Response {
    send(|known| known.name == "hooke.svg")
}

fn send(wanted: impl Fn(&File) -> bool) -> Response {
    let Some(found) = FILES.iter().find(|file| wanted(file)) else {
        return Fault::new(Code::NotFound, "There is no such file.").into_response();
    };
    let kind = match found.file.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOREVER)], found.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_there_under_a_hash() {
        for name in ["hooke.css", "hooke.svg", "page.js", "console.js", "lab.js", "jobs.js"] {
            let address = address(name);
            let (stem, end) = name.split_once('.').unwrap();
            assert!(address.starts_with(&format!("/assets/{stem}-")) && address.ends_with(end), "{address}");
        }
        assert_eq!(is_bundled(), !address("playground.js").is_empty());
    }

    #[test]
    fn the_two_ways_to_bootstrap_are_of_one_version() {
        let wanted: serde_json::Value = serde_json::from_str(include_str!("../../static/package.json")).unwrap();
        let version = wanted["dependencies"]["bootstrap"].as_str().unwrap();
        assert!(CDN_STYLE.contains(&format!("@{version}/")));
    }

    #[test]
    fn scripts_are_never_inline() {
        for styled in [true, false] {
            let policy = policy(styled);
            let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap().trim().to_owned();
            assert_eq!(scripts, "script-src 'self'");
            assert_eq!(policy.contains(CDN), !BUNDLED);
        }
    }
}
