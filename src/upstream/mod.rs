//! Calls to someone else's API: in sequence, at once, or inside the rate that it allows.
