//! Whole commands, and the rules of the house.

mod architecture;
mod tidy;
