//! The ports: what the engine needs from the world, and nothing more.

mod around;
mod handover;
mod history;
mod journal;
mod sink;
mod source;
mod transform;

pub use around::AroundSink;
pub use handover::{
    BucketObject, Delivered, Fetches, GroupHandOver, HandOver, Handed, ImportMessage,
    ImportMessages, ImportProgress, ImportStage, Names, Packing, Parcel, Part, Severity, Sought,
    Sums, Wanted,
};
pub use history::{History, NotedLoss};
pub use journal::{
    Begun, Claim, ClaimLost, Counts, Entry, Failure, Gone, Item, ItemQuery, Journal, JournalError,
    LaneView, Position, ProjectView, Pulse, Queue, Settled, Stage,
};
pub use sink::{Numbered, Outcome, Sink, Written};
pub use source::{BlobRef, ByteStream, Inventory, KindCount, Page, Source, SourceLoss};
pub use transform::{Context, Transform};
