//! How hosts are reached: time-outs, proxies, whom to trust.

use crate::reach::Reach;
use packhorse_core::Secret;
use std::{path::PathBuf, time::Duration};

/// How hosts are reached. The default is right for a public host.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long making a connection may take, TLS included.
    pub connect: Duration,
    /// How long the host may think, from the last byte of the request to the first of the answer.
    pub first_byte: Duration,
    /// How long either direction of a body may stand still through the host's fault.
    pub idle: Duration,
    /// The way out.
    pub proxy: Proxy,
    /// PEM files of certificate authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// PEM file with a certificate and its key, to show to the host.
    pub client_certificate: Option<PathBuf>,
    /// Speak HTTP/1.1 also where the host offers HTTP/2: one large body then
    /// has a connection, and its flow control, to itself.
    pub http1_only: bool,
    /// What we say we are.
    pub user_agent: String,
    /// Where connections may lead, if not everywhere; the process's own unless something else is
    /// said.
    pub reach: Option<Reach>,
}

/// The way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one, for everything.
    Through {
        /// Its URL.
        url: url::Url,
        /// User name and password, where it asks for them.
        credentials: Option<(String, Secret)>,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            proxy: Proxy::Environment,
            ca_files: Vec::new(),
            client_certificate: None,
            http1_only: false,
            user_agent: concat!("packhorse/", env!("CARGO_PKG_VERSION")).to_owned(),
            reach: Reach::current(),
        }
    }
}
