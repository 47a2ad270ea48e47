//! The binary as its users meet it: each test has a copy of the example of its own and looks only at what commands
//! print, how they end, and what files are left.

mod bad_input;
mod example;
mod kill;
mod plan;
mod runs;
mod stores;
mod text;
