//! Places as Elasticsearch keeps and compares them: points cut to a grid of about a centimetre, distances along the earth's
//! surface, boxes and polygons drawn on the plane of degrees. Both engines stand on it: one to ask, one to answer.

mod read;

use std::ops::RangeInclusive;

use super::{Error, FieldRef, Filter, GeoPoint, Result};

pub(crate) use read::read_points;

/// The mean radius of the earth, in metres.
const RADIUS: f64 = 6_371_008.771_4;
/// One step of the grid, in degrees.
const LAT_STEP: f64 = 180.0 / 4_294_967_296.0;
const LON_STEP: f64 = 360.0 / 4_294_967_296.0;

/// Where the index puts a point: steps of the grid from the equator and from Greenwich.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub lat: i32,
    pub lon: i32,
}

impl Cell {
    pub(crate) fn of(point: GeoPoint) -> Cell {
        Cell { lat: steps(point.lat, LAT_STEP), lon: steps(point.lon, LON_STEP) }
    }

    /// The point that is compared: a corner of the cell.
    pub(crate) fn point(self) -> GeoPoint {
        GeoPoint { lat: f64::from(self.lat) * LAT_STEP, lon: f64::from(self.lon) * LON_STEP }
    }

    /// As one number, which grows with the latitude.
    pub(crate) fn code(self) -> i64 {
        (i64::from(self.lat) << 32) | i64::from(self.lon as u32)
    }

    pub(crate) fn of_code(code: i64) -> Cell {
        Cell { lat: (code >> 32) as i32, lon: code as i32 }
    }
}

/// The north pole and the date line are the last step, not one beyond it: a cast of what is too large gives the largest.
fn steps(degrees: f64, step: f64) -> i32 {
    (degrees / step).floor() as i32
}

/// Along the surface. By cosines, as Elasticsearch reckons: below a metre it is coarse, and two points may tie.
pub(crate) fn metres(from: GeoPoint, to: GeoPoint) -> f64 {
    let (from_lat, to_lat) = (from.lat.to_radians(), to.lat.to_radians());
    let north = 1.0 - (from_lat - to_lat).cos();
    let east = 1.0 - (from.lon - to.lon).to_radians().cos();
    let both = north + from_lat.cos() * to_lat.cos() * east;
    // the last bits are noise of the cosines
    let both = f64::from_bits(both.to_bits() & !7);
    2.0 * RADIUS * (both / 2.0).sqrt().min(1.0).asin()
}

/// The tile of the map, in Web Mercator, that a point lies in: `zoom/x/y`. Places near a pole lie in the last row.
pub(crate) fn tile(point: GeoPoint, zoom: u8) -> String {
    let tiles = f64::from(1_u32 << zoom.min(29));
    let sine = point.lat.to_radians().sin();
    let x = ((point.lon + 180.0) / 360.0 * tiles).floor();
    let y = ((0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI)) * tiles).floor();
    format!("{zoom}/{}/{}", x.clamp(0.0, tiles - 1.0), y.clamp(0.0, tiles - 1.0))
}

/// What a filter by place draws.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Area {
    Near {
        center: GeoPoint,
        metres: f64,
    },
    /// South-west and north-east. With `west.lon > east.lon` it crosses the date line.
    Box {
        low: Cell,
        high: Cell,
        crossing: bool,
    },
    Polygon(Polygon),
}

impl Area {
    /// The field and the area of a filter by place; of another filter nothing.
    pub(crate) fn of(filter: &Filter) -> Result<Option<(&FieldRef, Area)>> {
        Ok(match filter {
            Filter::Near { field, center, metres } => Some((field, Area::Near { center: *center, metres: *metres })),
            Filter::InBox { field, top, left, bottom, right } => {
                let low = Cell::of(GeoPoint { lat: *bottom, lon: *left });
                let high = Cell::of(GeoPoint { lat: *top, lon: *right });
                Some((field, Area::Box { low, high, crossing: left > right }))
            }
            Filter::InPolygon { field, points } => Some((field, Area::Polygon(Polygon::of(points)?))),
            _ => None,
        })
    }

    /// Latitudes beyond which no point of it lies, as codes of cells.
    pub(crate) fn codes(&self) -> RangeInclusive<i64> {
        let (south, north) = match self {
            Area::Near { center, metres } => {
                // a little more than the circle, for the earth's cosines are rounded
                let degrees = (metres / RADIUS).to_degrees() * (1.0 + 1e-6) + 1e-4;
                (steps(center.lat - degrees, LAT_STEP), steps(center.lat + degrees, LAT_STEP))
            }
            Area::Box { low, high, .. } => (low.lat, high.lat),
            Area::Polygon(polygon) => {
                let latitudes = || polygon.points.iter().map(|point| point.lat);
                let south = latitudes().fold(f64::INFINITY, f64::min);
                let north = latitudes().fold(f64::NEG_INFINITY, f64::max);
                (steps(south, LAT_STEP), steps(north, LAT_STEP))
            }
        };
        Cell { lat: south, lon: 0 }.code()..=Cell { lat: north, lon: -1 }.code()
    }

    pub(crate) fn holds(&self, cell: Cell) -> bool {
        match self {
            Area::Near { center, metres: most } => metres(*center, cell.point()) <= *most,
            Area::Box { low, high, crossing } => {
                let (west, east) = (cell.lon >= low.lon, cell.lon <= high.lon);
                (low.lat..=high.lat).contains(&cell.lat) && if *crossing { west || east } else { west && east }
            }
            Area::Polygon(polygon) => polygon.holds(cell.point()),
        }
    }
}

/// Corners in a row; the last is joined to the first. Edges are straight on the plane of degrees, and belong to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Polygon {
    corners: Vec<GeoPoint>,
    /// The same, with longitudes that do not jump.
    points: Vec<GeoPoint>,
    /// It crosses the date line: western longitudes count on from 180.
    crossing: bool,
}

impl Polygon {
    /// A polygon wider than half the earth goes the short way round, over the date line, where its corners are told clockwise;
    /// told the other way it is as wide as it looks. One that reaches from end to end is meant so.
    pub(crate) fn of(corners: &[GeoPoint]) -> Result<Polygon> {
        let mut points = corners.to_vec();
        points.dedup();
        while points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        if points.len() < 3 {
            return Err(Error::invalid("a polygon has at least three corners"));
        }
        let longitudes = || points.iter().map(|point| point.lon);
        let width = longitudes().fold(f64::NEG_INFINITY, f64::max) - longitudes().fold(f64::INFINITY, f64::min);
        let corners = points.clone();
        let mut crossing = false;
        if width > 180.0 && width < 360.0 {
            let turn = turn(&points);
            if turn == 0.0 {
                return Err(Error::invalid(
                    "the corners of the polygon lie on one line: nobody can tell which way round it goes",
                ));
            }
            crossing = turn < 0.0;
        }
        if crossing {
            for point in &mut points {
                point.lon = eastward(point.lon);
            }
        }
        Ok(Polygon { corners, points, crossing })
    }

    /// The corners as they were told, without repetitions, and the first one again at the end.
    pub(crate) fn ring(&self) -> impl Iterator<Item = GeoPoint> {
        self.corners.iter().chain(self.corners.first()).copied()
    }

    fn holds(&self, point: GeoPoint) -> bool {
        let (x, y) = (if self.crossing { eastward(point.lon) } else { point.lon }, point.lat);
        let ends = self.points.iter().zip(self.points.iter().cycle().skip(1));
        let mut inside = false;
        for (one, other) in ends {
            let between = |a: f64, b: f64, value: f64| a.min(b) <= value && value <= a.max(b);
            if between(one.lat, other.lat, y) && between(one.lon, other.lon, x) && side(*one, *other, x, y) == 0.0 {
                return true;
            }
            if (one.lat > y) != (other.lat > y) && x < (other.lon - one.lon) * (y - one.lat) / (other.lat - one.lat) + one.lon {
                inside = !inside;
            }
        }
        inside
    }
}

fn eastward(lon: f64) -> f64 {
    if lon < 0.0 { lon + 360.0 } else { lon }
}

/// Greater than 0: the place lies to the left of the way from one point to the other.
fn side(one: GeoPoint, other: GeoPoint, x: f64, y: f64) -> f64 {
    (other.lon - one.lon) * (y - one.lat) - (other.lat - one.lat) * (x - one.lon)
}

/// At its southernmost corner, which is always an outer one: greater than 0 turns left, so the corners go counterclockwise.
fn turn(points: &[GeoPoint]) -> f64 {
    let order = |point: &GeoPoint| (point.lat, point.lon);
    let before = |a: &GeoPoint, b: &GeoPoint| order(a).partial_cmp(&order(b)).is_some_and(std::cmp::Ordering::is_lt);
    let lowest = (1..points.len()).fold(0, |lowest, at| if before(&points[at], &points[lowest]) { at } else { lowest });
    let (last, next) = ((lowest + points.len() - 1) % points.len(), (lowest + 1) % points.len());
    side(points[last], points[lowest], points[next].lon, points[next].lat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> GeoPoint {
        GeoPoint { lat, lon }
    }

    #[test]
    fn a_cell_is_a_centimetre() {
        for point in [at(52.520_008, 13.404_954), at(-33.868_8, 151.209_3), at(0.0, 0.0), at(90.0, 180.0), at(-90.0, -180.0)] {
            let cell = Cell::of(point);
            assert_eq!(Cell::of_code(cell.code()), cell);
            assert!(metres(point, cell.point()) < 0.02, "{point:?}");
        }
        assert!(Cell::of(at(-1.0, 5.0)).code() < Cell::of(at(1.0, -5.0)).code());
    }

    #[test]
    fn distances_are_those_of_elasticsearch() {
        // sort values of 9.2.0, from the equator at Greenwich
        for (to, wanted) in [
            (at(5.0, 10.0), 1_241_932.597),
            (at(90.0, 0.0), 10_007_557.171),
            (at(10.0, 180.0), 18_903_163.556),
            (at(0.0, 0.0), 0.0),
        ] {
            let found = metres(at(0.0, 0.0), Cell::of(to).point());
            assert!((found - wanted).abs() < 0.02, "{found} instead of {wanted}");
        }
    }

    #[test]
    fn polygons_are_drawn_as_they_are_told() {
        let corners = |points: &[(f64, f64)]| points.iter().map(|(lat, lon)| at(*lat, *lon)).collect::<Vec<_>>();
        let counter = Polygon::of(&corners(&[(-1.0, -178.0), (-1.0, 178.0), (1.0, 178.0), (1.0, -178.0)])).unwrap();
        assert!(!counter.crossing && counter.holds(at(0.0, 0.0)) && !counter.holds(at(0.0, 179.0)));
        let clockwise = Polygon::of(&corners(&[(-1.0, 178.0), (-1.0, -178.0), (1.0, -178.0), (1.0, 178.0)])).unwrap();
        assert!(clockwise.crossing && clockwise.holds(at(0.0, 179.0)) && clockwise.holds(at(0.0, -179.0)));
        assert!(!clockwise.holds(at(0.0, 0.0)));
        let whole = Polygon::of(&corners(&[(-1.0, -180.0), (1.0, -180.0), (1.0, 180.0), (-1.0, 180.0)])).unwrap();
        assert!(!whole.crossing && whole.holds(at(0.0, 0.0)));
        let knot = Polygon::of(&corners(&[(0.0, 0.0), (10.0, 10.0), (0.0, 10.0), (10.0, 0.0)])).unwrap();
        assert!(knot.holds(at(5.0, 9.0)) && !knot.holds(at(9.0, 5.0)) && knot.holds(at(0.0, 0.0)));
        assert!(Polygon::of(&corners(&[(0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (0.0, 0.0)])).is_err());
        assert!(Polygon::of(&corners(&[(0.0, -170.0), (0.0, 0.0), (0.0, 170.0)])).is_err());
    }
}
