//! The data plane's client interface: traits, query builder, SQL passthrough judge, standard tables
