//! The trees of a TreeEnsembleClassifier.

use super::{
    protobuf::Message,
    values::{attribute, doubles, numbers, strings, tensor},
};
use crate::{CLASS_COUNT, Split};

/// The attributes of a TreeEnsembleClassifier: by node, and by leaf and class.
#[derive(Default)]
pub(super) struct Ensemble {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    columns: Vec<i64>,
    thresholds: Vec<f64>,
    modes: Vec<&'static str>,
    lefts: Vec<i64>,
    rights: Vec<i64>,
    missing_left: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    leaf_classes: Vec<i64>,
    leaf_weights: Vec<f64>,
}

impl Ensemble {
    fn push(&mut self, [tree, node]: [i64; 2], mode: &'static str, split: Split, left: bool) {
        self.trees.push(tree);
        self.nodes.push(node);
        self.modes.push(mode);
        self.columns.push(split.column as i64);
        self.thresholds.push(f64::from(split.threshold));
        self.lefts.push(split.left as i64);
        self.rights.push(split.right as i64);
        self.missing_left.push(left.into());
    }

    pub(super) fn split(&mut self, at: [i64; 2], split: Split, missing_left: bool) {
        self.push(at, "BRANCH_LEQ", split, missing_left);
    }

    pub(super) fn leaf(&mut self, at: [i64; 2], weights: [f64; CLASS_COUNT]) {
        let nothing = Split {
            column: 0,
            threshold: 0,
            left: 0,
            right: 0,
        };
        self.push(at, "LEAF", nothing, false);
        for (class, weight) in weights.into_iter().enumerate() {
            if weight > 0.0 {
                self.leaf_trees.push(at[0]);
                self.leaf_nodes.push(at[1]);
                self.leaf_classes.push(class as i64);
                self.leaf_weights.push(weight);
            }
        }
    }

    pub(super) fn attributes(self) -> Vec<Message> {
        vec![
            numbers("nodes_treeids", self.trees),
            numbers("nodes_nodeids", self.nodes),
            numbers("nodes_featureids", self.columns),
            tensor("nodes_values_as_tensor", doubles(self.thresholds)),
            strings("nodes_modes", &self.modes),
            numbers("nodes_truenodeids", self.lefts),
            numbers("nodes_falsenodeids", self.rights),
            numbers("nodes_missing_value_tracks_true", self.missing_left),
            numbers("class_treeids", self.leaf_trees),
            numbers("class_nodeids", self.leaf_nodes),
            numbers("class_ids", self.leaf_classes),
            tensor("class_weights_as_tensor", doubles(self.leaf_weights)),
            numbers("classlabels_int64s", 0..CLASS_COUNT as i64),
            attribute("post_transform", 3).bytes(4, "NONE"),
        ]
    }
}
