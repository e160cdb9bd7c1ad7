//! KDD schema, training, model files and inference.
