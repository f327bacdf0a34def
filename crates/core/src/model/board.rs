//! Boards.

use super::model;

model! {
    /// A board of cards.
    pub struct Board {
        /// Name.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
        /// Number of the milestone that it shows.
        pub milestone: Option<u64>,
        /// Names of the labels that it shows.
        pub labels: Vec<String>,
        /// Its columns, from left to right.
        pub columns: Vec<BoardColumn>,
    }

    /// A column of a board.
    pub struct BoardColumn {
        /// Name.
        pub name: String,
        /// Name of the label whose issues it shows.
        pub label: Option<String>,
        /// Number of the milestone whose issues it shows.
        pub milestone: Option<u64>,
        /// Numbers of the issues in it, where it holds cards rather than a query.
        pub issues: Vec<u64>,
    }
}
