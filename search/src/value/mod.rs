//! Single values as fields hold them, and how a value of a document or of a query becomes one.

mod fits;
mod narrow;
mod read;
mod vectors;

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv6Addr};

use super::date::Time;

pub use fits::{LONGEST_TERM, fits};
pub use narrow::{to_float, to_half};
pub use read::{from_document, from_query};
pub use vectors::read_vector;

/// A value in the terms of a field's kind. Numbers are already what the field stores: whole for whole kinds,
/// narrowed to `f32` or half precision for `float` and `half_float`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Long(i64),
    Double(f64),
    Boolean(bool),
    Date(Time),
    Ip(IpAddr),
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub address: IpAddr,
    pub prefix: u8,
}

impl Cidr {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let prefix: u8 = prefix.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Cidr { address, prefix })
    }

    /// First and last address, as 16 bytes in the order that Elasticsearch compares them.
    pub fn span(&self) -> (Ipv6Addr, Ipv6Addr) {
        let bits = u128::from(mapped(self.address));
        let free = if self.address.is_ipv4() { 32 } else { 128 } - u32::from(self.prefix);
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        (Ipv6Addr::from(bits & mask), Ipv6Addr::from((bits & mask) | !mask))
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A value in an error message: not all of a long one.
pub(crate) fn brief(value: &serde_json::Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// IPv4 as it lies inside IPv6: `::ffff:10.0.0.1` is `10.0.0.1`.
pub fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    }
}

/// The shortest form; IPv4 where it is one.
pub fn shortest(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        four @ IpAddr::V4(_) => four,
    }
}

impl Value {
    /// The order in which both engines sort and compare: texts by their UTF-8 bytes, addresses as 16 bytes, `false` before `true`,
    /// -0.0 before 0.0. Values of one field are of one kind; of unlike kinds, the kind decides.
    pub fn compare(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Long(a), Value::Long(b)) => a.cmp(b),
            (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Ip(a), Value::Ip(b)) => mapped(*a).cmp(&mapped(*b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Text(_) => 0,
            Value::Long(_) => 1,
            Value::Double(_) => 2,
            Value::Boolean(_) => 3,
            Value::Date(_) => 4,
            Value::Ip(_) => 5,
        }
    }
}
