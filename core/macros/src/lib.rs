//! derive(Params) and export_node!
