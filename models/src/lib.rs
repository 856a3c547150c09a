//! Detection models: manifest, pre-processing, inference backends, decoders
