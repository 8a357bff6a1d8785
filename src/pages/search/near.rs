//! Near a point: `near=location:52.52,13.4` tells how far each hit is from there, and `near=location:52.52,13.4~10km` narrows to
//! what lies within. It stands in `facetFilters`, so that the rings beside the hits keep their counts.

use serde_json::{Map, Value as Json, json};

use super::address::Asked;
use super::conditions::Spot;
use super::facets::{FacetView, ValueView};
use crate::catalog::ask::{self, Frame};
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::pages::{query_text, shelf};
use crate::search::{Compute, Computed, Kind, Slot};

/// Behind those of all other facets.
const SLOT: Slot = 1_000;

/// Rings that are counted, in metres, with their names in the address.
const RINGS: [(f64, &str); 5] = [(1e3, "1km"), (1e4, "10km"), (1e5, "100km"), (1e6, "1000km"), (5e6, "5000km")];

#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) struct Near {
    /// The path of the field in documents.
    pub(in crate::pages) path: String,
    pub(in crate::pages) lat: f64,
    pub(in crate::pages) lon: f64,
    /// A distance with its unit.
    pub(in crate::pages) within: Option<String>,
}

/// The fields that hold places.
pub(in crate::pages) fn places<'s, 'a>(spots: &'s [Spot<'a>]) -> impl Iterator<Item = &'s Spot<'a>> {
    spots.iter().filter(|spot| ask::has_distance(&spot.exposed.field))
}

fn refuse(text: &str) -> Fault {
    let message = format!("“{text}” is no point such as near=location:52.52,13.4 or near=location:52.52,13.4~10km.");
    Fault::new(Code::BadUserInput, message)
}

impl Near {
    /// `path:lat,lon` or `path:lat,lon~distance`.
    pub(in crate::pages) fn parse(spots: &[Spot<'_>], text: &str) -> Result<Self, Fault> {
        let begins = |path: &str| text.strip_prefix(path).is_some_and(|rest| rest.starts_with(':'));
        let field = places(spots).map(|spot| &spot.exposed.field).filter(|field| begins(&field.path));
        let field = field.max_by_key(|field| field.path.len()).ok_or_else(|| refuse(text))?;
        let rest = &text[field.path.len() + 1..];
        let (point, within) = rest.split_once('~').map_or((rest, None), |(point, within)| (point, Some(within)));
        let (lat, lon) = point_of(point).ok_or_else(|| refuse(text))?;
        let within = within.map(str::trim).filter(|within| !within.is_empty()).map(str::to_owned);
        Ok(Near { path: field.path.clone(), lat, lon, within })
    }

    /// As the form sends it: `near.field`, `near.at`, `near.within`. Nothing as long as no point is given.
    pub(in crate::pages) fn of_form(pairs: &[(String, String)], spots: &[Spot<'_>]) -> Result<Option<Self>, Fault> {
        let find = |wanted: &str| {
            pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let Some(point) = find("near.at") else { return Ok(None) };
        let path = match find("near.field") {
            Some(path) => path.to_owned(),
            None => places(spots).next().map(|spot| spot.exposed.field.path.clone()).ok_or_else(|| refuse(point))?,
        };
        let within = find("near.within").map(|within| format!("~{within}")).unwrap_or_default();
        Near::parse(spots, &format!("{path}:{point}{within}")).map(Some)
    }

    /// As [`Near::parse`] reads it again.
    pub(in crate::pages) fn write(&self) -> String {
        let within = self.within.as_ref().map(|within| format!("~{within}")).unwrap_or_default();
        format!("{}:{}{within}", self.path, self.point())
    }

    pub(in crate::pages) fn point(&self) -> String {
        format!("{},{}", self.lat, self.lon)
    }

    pub(in crate::pages) fn text(&self, label: &str) -> String {
        match &self.within {
            Some(within) => format!("{label} within {within} of {}", self.point()),
            None => format!("{label}: distance from {}", self.point()),
        }
    }

    fn from(&self) -> Json {
        json!({ "lat": self.lat, "lon": self.lon })
    }

    fn spot<'s, 'a>(&self, spots: &'s [Spot<'a>]) -> Option<&'s Spot<'a>> {
        spots.iter().find(|spot| spot.exposed.field.path == self.path)
    }

    /// Puts its clause into `facetFilters`.
    pub(super) fn narrow(&self, spots: &[Spot<'_>], ticks: &mut Map<String, Json>) {
        let (Some(within), Some(spot)) = (&self.within, self.spot(spots)) else { return };
        let mut object = ticks;
        for name in spot.label.split('.') {
            let slot = object.entry(name.to_owned()).or_insert_with(|| json!({}));
            let Json::Object(inner) = slot else { return };
            object = inner;
        }
        object.insert("near".to_owned(), json!({ "lat": self.lat, "lon": self.lon, "distance": within }));
    }

    /// A key of `orderBy`: nearest first.
    pub(super) fn order(&self, spots: &[Spot<'_>]) -> Option<Json> {
        let spot = self.spot(spots)?;
        Some(json!({ "distance": { "field": spot.exposed.enum_name, "from": self.from() } }))
    }

    fn rings(&self) -> Json {
        json!({ "from": self.from(), "ranges": RINGS.map(|(metres, _)| json!({ "to": metres })) })
    }

    /// How many lie within each ring.
    pub(super) fn compute(&self, frame: Frame<'_>, spots: &[Spot<'_>]) -> Option<(Slot, Compute)> {
        let facet = ask::facet(frame, self.spot(spots)?.exposed, self.rings().as_object()?).ok()?;
        Some((SLOT, Compute::Facet(facet)))
    }

    /// The field of a GraphQL query that gives the same.
    pub(super) fn selection(&self, spots: &[Spot<'_>]) -> Option<String> {
        let rings = self.rings();
        let (from, ranges) = (query_text::argument(&rings["from"]), query_text::argument(&rings["ranges"]));
        let mut names = self.spot(spots)?.label.rsplit('.');
        let own =
            format!("{}(from: {from}, ranges: {ranges}) {{ buckets {{ from to count }} }}", names.next().unwrap_or_default());
        Some(names.fold(own, |inner, name| format!("{name} {{ {inner} }}")))
    }

    pub(super) fn view(
        &self,
        spots: &[Spot<'_>],
        computed: &[(Slot, Computed)],
        asked: &Asked,
        action: &str,
    ) -> Option<FacetView> {
        let (_, Computed::Facet { buckets, .. }) = computed.iter().find(|(slot, _)| *slot == SLOT)? else { return None };
        let turned = |within: Option<String>| {
            let near = Some(Near { within, ..self.clone() });
            format!("{action}{}", Asked { near, ..asked.at(super::address::At::Number(1)) }.write())
        };
        let mut values: Vec<ValueView> = RINGS
            .iter()
            .zip(buckets)
            .filter(|((_, name), bucket)| bucket.count.documents > 0 || self.within.as_deref() == Some(*name))
            .map(|((_, name), bucket)| {
                let ticked = self.within.as_deref() == Some(*name);
                let address = turned((!ticked).then(|| (*name).to_owned()));
                ValueView { text: format!("within {name}"), count: shelf::grouped(bucket.count.documents), ticked, address }
            })
            .collect();
        if let Some(within) = self.within.as_ref().filter(|within| RINGS.iter().all(|(_, name)| name != within)) {
            values.push(ValueView {
                text: format!("within {within}"),
                count: String::new(),
                ticked: true,
                address: turned(None),
            });
        }
        let label = format!("{}: distance", self.spot(spots)?.label);
        Some(FacetView { label, values, others: String::new(), histogram: None })
    }
}

/// `52.52, 13.4`, in degrees.
fn point_of(text: &str) -> Option<(f64, f64)> {
    let (lat, lon) = text.split_once(',')?;
    let degrees = |text: &str, most: f64| text.trim().parse::<f64>().ok().filter(|degrees| degrees.abs() <= most);
    Some((degrees(lat, 90.0)?, degrees(lon, 180.0)?))
}

/// Metres in the words of people.
pub(super) fn distance_text(metres: f64) -> String {
    if metres < 1_000.0 {
        format!("{metres:.0} m")
    } else if metres < 100_000.0 {
        format!("{:.1} km", metres / 1_000.0)
    } else {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "no place is further away than half the Earth"
        )]
        let kilometres = (metres / 1_000.0).round() as u64;
        format!("{} km", shelf::grouped(kilometres))
    }
}

/// Where a document is, as `lat,lon`: of the first field that holds one point.
pub(super) fn whereabouts<'s>(spots: &'s [Spot<'_>], source: &crate::search::Source) -> Option<(&'s str, String)> {
    places(spots).filter(|spot| matches!(spot.exposed.field.kind, Kind::GeoPoint)).find_map(|spot| {
        let point = super::hit::at(source, &spot.exposed.field.path)?;
        let (lat, lon) = (point.get("lat")?.as_f64()?, point.get("lon")?.as_f64()?);
        Some((spot.exposed.field.path.as_str(), format!("{lat},{lon}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_distances_told() {
        assert_eq!(point_of("52.52, 13.4"), Some((52.52, 13.4)));
        assert_eq!(point_of("-90,180"), Some((-90.0, 180.0)));
        for wrong in ["52.52", "91,0", "0,181", "north,east", "1,2,3", "NaN,0", ""] {
            assert_eq!(point_of(wrong), None, "{wrong}");
        }
        for (metres, text) in [(12.4, "12 m"), (1_234.0, "1.2 km"), (255_250.0, "255 km"), (15_976_489.0, "15 976 km")] {
            assert_eq!(distance_text(metres).replace(['\u{202f}', ','], " "), text);
        }
    }
}
