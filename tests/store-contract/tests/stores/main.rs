//! Every store against the contract, and what only a store of files can show.

mod artifacts;
mod bench;
mod collection;
mod differential;
mod processes;
mod strictness;

mod memory {
    //! The store in memory.
    store_contract::contract_tests!(crate::bench::MemoryBench::default());
}

mod sqlite {
    //! The embedded store, one connection to the file for each process.
    store_contract::contract_tests!(crate::bench::SqliteBench::new()?);
}
