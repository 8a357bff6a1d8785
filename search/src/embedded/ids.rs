//! The ids of documents that come without one.

use super::super::{DocumentId, Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Twenty letters, safe in a URL: six bytes of the time, so that ids made together lie together, and nine of chance.
pub(super) fn fresh_id() -> Result<DocumentId> {
    let mut bytes = [0_u8; 15];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    DocumentId::parse(&URL_SAFE_NO_PAD.encode(bytes)).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_twenty_safe_letters_and_differ() {
        let ids: std::collections::HashSet<DocumentId> = (0..1_000).map(|_| fresh_id().unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(
            ids.iter().all(|id| id.as_str().len() == 20
                && id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        );
    }
}
