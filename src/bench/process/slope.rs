//! How memory grows with connections: a straight line by least squares.

/// Distinct numbers of connections below which there is no line.
const LEAST_POINTS: u32 = 5;
/// Connections from the first point to the last, below which pages are all that one sees.
const LEAST_SPREAD: u64 = 500;

/// A line through points that come one at a time, in constant memory.
///
/// A point counts when it has more connections than each before: so what a server keeps under load, or
/// behind connections that left, does not bend the line of the ramp.
#[derive(Clone, Debug, Default)]
pub struct Slope {
    points: u32,
    first: u64,
    last: u64,
    mean_connections: f64,
    mean_memory: f64,
    /// Sum of squares of the connections around their mean.
    squares: f64,
    /// Sum of products of both around their means.
    products: f64,
}

impl Slope {
    /// Takes in what was seen: bytes of memory with so many connections open.
    pub fn add(&mut self, connections: u64, memory: u64) {
        if self.points == 0 {
            self.first = connections;
        } else if connections <= self.last {
            return;
        }
        self.last = connections;
        self.points += 1;
        // Welford: no sum of large squares whose difference would be lost.
        let from_mean = connections as f64 - self.mean_connections;
        self.mean_connections += from_mean / f64::from(self.points);
        self.mean_memory += (memory as f64 - self.mean_memory) / f64::from(self.points);
        self.squares += from_mean * (connections as f64 - self.mean_connections);
        self.products += from_mean * (memory as f64 - self.mean_memory);
    }

    /// Bytes for each connection: never negative. Absent below 5 distinct points, and when the last has
    /// less than 500 connections more than the first.
    #[must_use]
    pub fn per_connection(&self) -> Option<f64> {
        let enough = self.points >= LEAST_POINTS && self.last - self.first >= LEAST_SPREAD;
        enough.then(|| (self.products / self.squares).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(points: impl IntoIterator<Item = (u64, u64)>) -> Option<f64> {
        let mut slope = Slope::default();
        for (connections, memory) in points {
            slope.add(connections, memory);
        }
        slope.per_connection()
    }

    fn near(found: Option<f64>, wanted: f64, most: f64) {
        let found = found.expect("enough points");
        assert!((found - wanted).abs() <= most, "{found}, not {wanted}");
    }

    #[test]
    fn a_straight_line_is_found_whatever_the_process_had_before() {
        for base in [0, 3 << 20, 200 << 30] {
            near(
                slope((0..5).map(|at| (at * 125, base + at * 125 * 340))),
                340.0,
                0.01,
            );
        }
    }

    #[test]
    fn memory_that_comes_in_pages_and_batches_of_pages_is_a_line_all_the_same() {
        let batch = 64u64 * 4096;
        let steps = (0..200u64).map(|at| (at * 100, (at * 100 * 400).next_multiple_of(batch)));
        near(slope(steps), 400.0, 4.0);
    }

    #[test]
    fn four_points_or_a_spread_of_499_are_no_line() {
        assert_eq!(slope((0..4).map(|at| (at * 1000, at * 1000))), None);
        assert_eq!(slope([0, 100, 200, 300, 499].map(|at| (at, at))), None);
        near(slope([0, 100, 200, 300, 500].map(|at| (at, at))), 1.0, 1e-9);
        assert_eq!(slope([]), None);
    }

    #[test]
    fn what_is_seen_again_or_with_fewer_connections_does_not_count() {
        let ramp = (0..10).map(|at| (at * 1000, at * 400_000));
        let load = [
            (9000, 900 << 20),
            (9000, 901 << 20),
            (3000, 5000),
            (0, 1 << 30),
        ];
        near(slope(ramp.chain(load)), 400.0, 1e-6);
        assert_eq!(slope([(1000, 1); 50]), None);
    }

    #[test]
    fn memory_that_shrinks_is_nothing_for_each_connection() {
        near(
            slope((0..10).map(|at| (at * 100, (1 << 20) - at))),
            0.0,
            0.0,
        );
    }
}
