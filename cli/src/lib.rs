//! Peregrine: perception nodes for robots and drones, and the command that flies them
