//! Drives run machines: durable commits, timers, tries, cancellation
