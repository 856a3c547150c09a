//! The node runtime: nodes, topics, parameters, lanes, clocks
