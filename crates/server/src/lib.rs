//! The service: migration APIs of other products, over one engine.
//!
//! A request in a product's own words becomes a job in the journal; workers, of this process or of
//! others that share the database, take it and run it through the engine, as the command line does. What a client is answered is drawn
//! from the journal, so a server that was killed and started again answers as before.
//!
//! - `web` is what all APIs share: connections, request ids, limits, paging.
//! - `dialects` has one folder for each product: routes, wire, render, error.
//! - `native` is the service's own API, `dashboard` its pages for people.
//! - `accept` puts what was asked for into the journal; `work` runs it.
//! - `archives` is where archives are made and kept.
//! - `store` is what the service remembers beside the journal.
//! - [`Places`] is how it reaches hosts, of which it knows none.

mod accept;
mod archives;
mod auth;
mod config;
mod dashboard;
mod dialects;
mod feed;
mod hook;
mod key;
mod metrics;
mod narrow;
mod native;
mod network;
mod places;
mod recent;
mod rename;
mod running;
mod scratch;
mod service;
mod starts;
mod store;
mod sweep;
pub mod token;
mod undo;
mod web;
mod work;

pub use config::Config;
pub use hook::Webhook;
pub use key::{KeyError, ServiceKey};
pub use network::{Network, Networks, NoNetwork};
pub use places::{Opening, Places, Standing};
pub use service::{Service, ServiceError, open_state, shared_state};
pub use store::{Store, StoreError, TokenRow};
pub use web::{Listening, Tls, TlsError, router, serve};
