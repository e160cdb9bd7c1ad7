//! The workbench: fits and evaluates models.

fn main() {}
