//! What record types of all formats share: declaring their keys, and counting those that nobody knows.

mod shape;

pub(crate) use shape::{Shape, Unknown, Wire};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares record types: their fields in the host's order, and which keys hold objects.
///
/// `lost` are keys that are known and have no place in the model.
macro_rules! wire {
    ($(
        $(#[$meta:meta])*
        struct $Name:ident {
            $($(#[$attribute:meta])* $field:ident: $Type:ty,)*
        }
        $(nested { $($key:literal: $Nested:ident),+ $(,)? })?
        $(lost { $($lost:literal),+ $(,)? })?
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub(crate) struct $Name { $($(#[$attribute])* pub(crate) $field: $Type,)* }

        impl $crate::wire::Wire for $Name {
            const SHAPE: $crate::wire::Shape = $crate::wire::Shape {
                keys: &[$(stringify!($field)),*],
                nested: &[$($(($key, &<$Nested as $crate::wire::Wire>::SHAPE)),+)?],
                lost: &[$($($lost),+)?],
            };
        }
    )+};
}
pub(crate) use wire;

/// A list that may be `null`.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl<T> List<T> {
    /// Number of items.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}
