//! What goes wrong, by rate or at a chosen request; the same on every run.

use std::{fmt, str::FromStr, time::Duration};

/// Something that goes wrong with one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `502` with a page of HTML; the request was not looked at.
    BadGateway,
    /// `500` in the host's own words; the request was not looked at.
    ServerError,
    /// `429` with `Retry-After`, in seconds; the request was not looked at.
    TooMany(u64),
    /// The connection is cut before the request is looked at.
    Reset,
    /// The request is served, and the connection is cut before the answer.
    LostAnswer,
    /// The answer does not come for this long, in milliseconds; the request is served.
    Stall(u64),
    /// The answer breaks off half-way, although its length was announced.
    Cut,
    /// The answer is whole by its length, and its JSON ends half-way.
    HalfJson,
    /// A listing's page is the page before it, once more; the first page is the second.
    PageTwice,
    /// A listing's page is left out: what comes is the one after it.
    PageMissing,
    /// `200` with a page of HTML, as a proxy's log-in gives.
    Html,
}

/// A fault for requests that are picked rather than drawn.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Method; any when empty.
    pub method: String,
    /// What the path has in it; when empty, every request is meant that is not Git's.
    pub path: String,
    /// How many such requests pass before.
    pub after: u64,
    /// How many get the fault.
    pub times: u64,
    /// The fault.
    pub fault: Fault,
}

/// How often things go wrong by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Never.
    #[default]
    None,
    /// About one request in fifty.
    Some,
    /// About one request in eight.
    Many,
}

/// A word that is none of the three.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is none of none, some, many")]
pub struct NoWeather(String);

impl FromStr for Weather {
    type Err = NoWeather;

    fn from_str(text: &str) -> Result<Self, NoWeather> {
        match text {
            "none" => Ok(Self::None),
            "some" => Ok(Self::Some),
            "many" => Ok(Self::Many),
            _ => Err(NoWeather(text.to_owned())),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Some => "some",
            Self::Many => "many",
        })
    }
}

/// What goes wrong on a fake.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// By rate: faults that a client can get over, drawn from `seed`.
    pub weather: Weather,
    /// Picks other requests for other numbers.
    pub seed: u64,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// By choice; the first that fits is taken.
    pub planned: Vec<Planned>,
}

/// What weather may bring: everything that a careful client gets over by itself.
const BY_ITSELF: &[Fault] = &[
    Fault::BadGateway,
    Fault::Reset,
    Fault::LostAnswer,
    Fault::TooMany(1),
    Fault::Cut,
    Fault::ServerError,
];

impl Faults {
    /// The fault for the next request, the `n`th of all.
    pub(crate) fn next(&mut self, n: u64, method: &str, path: &str) -> Option<Fault> {
        let fits = |it: &Planned| {
            (it.method.is_empty() || it.method == method)
                && path.contains(&it.path)
                && !(it.path.is_empty() && path.contains(".git/"))
                && (it.after > 0 || it.times > 0)
        };
        if let Some(planned) = self.planned.iter_mut().find(|it| fits(it)) {
            if planned.after > 0 {
                planned.after -= 1;
                return None;
            }
            planned.times -= 1;
            return Some(planned.fault);
        }
        let drawn = mixed(self.seed.wrapping_add(n));
        let one_in = match self.weather {
            Weather::None => return None,
            Weather::Some => 50,
            Weather::Many => 8,
        };
        let which = usize::try_from(drawn >> 32).unwrap_or(0) % BY_ITSELF.len();
        drawn.is_multiple_of(one_in).then(|| BY_ITSELF[which])
    }
}

/// A number that looks drawn. Source: SplitMix64.
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_fault_comes_where_it_was_planned() {
        let planned = Planned {
            method: "POST".to_owned(),
            path: "/issues".to_owned(),
            after: 1,
            times: 1,
            fault: Fault::Reset,
        };
        let mut faults = Faults { planned: vec![planned], ..Faults::default() };
        let mut ask = |method| faults.next(0, method, "/repos/a/b/issues");

        assert_eq!(ask("GET"), None);
        assert_eq!([ask("POST"), ask("POST"), ask("POST")], [None, Some(Fault::Reset), None]);
    }

    #[test]
    fn weather_is_the_same_on_every_run_and_as_bad_as_told() {
        let count = |weather| {
            let mut faults = Faults { weather, ..Faults::default() };
            (0..8000).filter(|n| faults.next(*n, "GET", "/").is_some()).count()
        };

        assert_eq!(count(Weather::None), 0);
        assert!((100..240).contains(&count(Weather::Some)), "{}", count(Weather::Some));
        assert!((800..1200).contains(&count(Weather::Many)), "{}", count(Weather::Many));
        assert_eq!(count(Weather::Many), count(Weather::Many));
    }
}
