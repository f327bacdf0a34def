//! Tables of what formats have no place for.

use packhorse_core::Gap;

/// A gap.
pub(crate) const fn gap(field: &'static str, why: &'static str) -> Gap {
    Gap { field, why }
}

/// What becomes of the parts of an account, wherever one stands.
pub(crate) struct Accounts {
    pub(crate) host: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
}

/// Declares a constant list of gaps; accounts and texts have gaps of their own, which the table's
/// `ACCOUNTS` and `MARKUP` tell.
macro_rules! gaps {
    ($Name:ident: [$($plain:expr),* $(,)?] $(, accounts [$($account:literal),+ $(,)?])? $(, texts [$($text:literal),+])?) => {
        const $Name: &[packhorse_core::Gap] = &[
            $($plain,)*
            $($(
                gap(concat!($account, ".host"), ACCOUNTS.host),
                gap(concat!($account, ".kind"), ACCOUNTS.kind),
                gap(concat!($account, ".name"), ACCOUNTS.name),
                gap(concat!($account, ".email"), ACCOUNTS.email),
            )+)?
            $($(gap(concat!($text, ".markup"), MARKUP),)+)?
        ];
    };
}

pub(crate) use gaps;
