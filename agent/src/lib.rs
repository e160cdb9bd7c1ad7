//! The tidegate agent.
