//! A chart of records over time, as lines of an SVG.

use super::words;
use crate::store::Sample;

/// Width and height of the drawing, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;

/// A chart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chart {
    /// Points of records read.
    pub(super) read: String,
    /// Points of records that arrived.
    pub(super) carried: String,
    /// The most records.
    pub(super) most: String,
    /// How long it took.
    pub(super) span: String,
    /// A row for each of some moments: time since the begin, read, carried, failed, bytes.
    pub(super) rows: Vec<[String; 5]>,
}

/// Rows of the table beside the chart.
const MOST_ROWS: usize = 12;

impl Chart {
    /// Draws samples; `None` when there is no line yet.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let millis = last.at - first.at;
        let most = samples.iter().map(|it| it.read.max(it.carried)).max()?;
        if millis <= 0 || most == 0 {
            return None;
        }
        let points = |of: fn(&Sample) -> u64| {
            let points = samples.iter().map(|it| {
                let x = (it.at - first.at) as f64 / millis as f64 * WIDTH;
                let y = HEIGHT - of(it) as f64 / most as f64 * HEIGHT;
                format!("{x:.1},{y:.1}")
            });
            points.collect::<Vec<_>>().join(" ")
        };
        let since = |at: i64| u64::try_from((at - first.at) / 1_000).unwrap_or_default();
        let step = samples.len().div_ceil(MOST_ROWS).max(1);
        let told = samples.iter().rev().step_by(step).map(|it| {
            [
                words::span(since(it.at)),
                words::count(it.read),
                words::count(it.carried),
                words::count(it.failed),
                words::bytes(it.bytes),
            ]
        });
        let mut rows: Vec<_> = told.collect();
        rows.reverse();
        Some(Self {
            read: points(|it| it.read),
            carried: points(|it| it.carried),
            most: words::count(most),
            span: words::span(since(last.at)),
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_from_the_first_moment_to_the_last_and_from_nothing_to_the_most() {
        let sample = |at, read, carried| Sample { at, read, carried, ..Sample::default() };
        let samples = [sample(1_000, 0, 0), sample(2_000, 50, 25), sample(3_000, 100, 100)];

        let chart = Chart::of(&samples).unwrap();

        assert_eq!(chart.read, "0.0,160.0 320.0,80.0 640.0,0.0");
        assert_eq!(chart.carried, "0.0,160.0 320.0,120.0 640.0,0.0");
        assert_eq!((chart.most.as_str(), chart.span.as_str()), ("100", "2 s"));
        assert_eq!(Chart::of(&samples[..1]), None);
        assert_eq!(Chart::of(&[]), None);
    }
}
