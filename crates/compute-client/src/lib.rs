//! The compute plane's client interface: traits and types for LLM, transform, extract and render
