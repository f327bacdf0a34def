//! Two stand-ins for hosts, the first with one project of any size, for `scripts/bench-hosts`.
//!
//! `stage_hosts FROM TO ISSUES LATENCY_MS LIMIT`: so many issues with four comments each, and a fifth
//! as many change requests; LIMIT requests in ten seconds are let through, 0 for any number. Prints
//! the two addresses and the token in a line each; then answers each line of its input with how
//! many requests both have got, and how many of them were too much. Runs until its input ends.

mod project;

use packhorse_fakes::{Fake, Gitea, Github, Gitlab, Limit, Limits, Options, fault::Faults};
use std::{error::Error, io::Write as _, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, issues, latency, limit] = &arguments[..] else {
        return Err("stage_hosts FROM TO ISSUES LATENCY_MS LIMIT".into());
    };
    let limit: u64 = limit.parse()?;
    let (source, sink) = (start(from, limit).await?, start(to, limit).await?);
    [&source, &sink].into_iter().for_each(|it| it.fill(project::people()));
    project::lay_out(&source, issues.parse()?).await?;
    let latency = Duration::from_millis(latency.parse()?);
    for fake in [&source, &sink] {
        fake.set_faults(Faults { latency, ..Faults::default() });
    }
    say(&format!("{}\n{}\n{}", source.url(), sink.url(), Options::TOKEN))?;
    let listening = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line)? > 0 {
            let count = |it: &Fake| format!("{} {}", it.n_requests(), it.n_refused());
            say(&format!("{} {}", count(&source), count(&sink)))?;
            line.clear();
        }
        std::io::Result::Ok(())
    });
    listening.await??;
    Ok(())
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    out.flush()
}

async fn start(host: &str, limit: u64) -> Result<Fake, Box<dyn Error>> {
    let window = Duration::from_secs(10);
    let limits = match limit {
        0 => Limits::Off,
        allowance => {
            // As each tells which of its limits it is.
            let name = if host == "gitlab" { "throttle_authenticated_api" } else { "core" };
            Limits::Own(vec![Limit { name, allowance, window, toll: |_, _| 1 }])
        }
    };
    let options = Options { keeps_log: false, limits, ..Options::default() };
    Ok(match host {
        "github" => Fake::start(Github, options).await?,
        "gitlab" => Fake::start(Gitlab, options).await?,
        "gitea" => Fake::start(Gitea, options).await?,
        _ => return Err(format!("there is no project of that size for {host}").into()),
    })
}
