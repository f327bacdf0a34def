//! Archives that are damaged, lie, or mean harm.
