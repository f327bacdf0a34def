//! What Bitbucket Cloud and Bitbucket Data Center have in common.
//!
//! They are one idea in two programs: pull requests with comments, tasks and
//! verdicts, no issues, rights in three steps, texts without HTML. Their APIs are
//! not alike, neither in addresses nor in what is sent. So what is done, in which
//! order, and what is lost by it stands here once; how each API is asked is told
//! by the adapters, in the few methods of [`write::talk::Talk`],
//! [`write::branch::Branches`] and [`write::change_request::Requests`].

pub(crate) mod support;
pub(crate) mod text;
pub(crate) mod token;
pub(crate) mod write;
