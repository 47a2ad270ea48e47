//! Step handlers over the client traits: data plane, compute, orchestration
