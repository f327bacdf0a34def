//! The stand-in until GraphQL.
use super::Desk;
use crate::exchange::Answer;

pub(super) fn answer(_desk: &mut Desk<'_>) -> Answer {
    super::not_found()
}
