//! A declarative job orchestrator: one binary, durable runs, plans you can read
