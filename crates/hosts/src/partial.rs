//! Tables of what hosts have no place for.

/// Declares what becomes of the fields of kinds that a host holds in part.
macro_rules! partial {
    ($($name:ident: [$($field:literal: $why:expr),+ $(,)?];)+) => {
        $(const $name: packhorse_core::Support = packhorse_core::Support::Partial(
            &[$(packhorse_core::Gap { field: $field, why: $why }),+],
        );)+
    };
}

pub(crate) use partial;
