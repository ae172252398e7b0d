//! The ONNX export.

use artifacts::Bundle;
use forest::{Node, RandomForest, Tree};

use crate::sample::{bundle, chain};

#[test]
fn the_bytes_of_an_onnx_model_do_not_change() {
    assert_eq!(crc32fast::hash(&bundle().to_onnx().unwrap()), ONNX_WRITTEN);
}

/// The CRC-32 of a model that onnxruntime accepts. The tests of `train` compare the predictions of
/// onnxruntime with those of the forest.
const ONNX_WRITTEN: u32 = 912_808_126;

#[test]
fn forests_that_onnx_export_refuses() {
    let refused = |trees, gains, classes| {
        let forest = RandomForest::from_trees(trees, gains, classes).unwrap();
        chain(&Bundle { forest, ..bundle() }.to_onnx().unwrap_err())
    };
    let leaf = |shares: &[f32]| Tree {
        nodes: vec![Node::leaf(0)],
        shares: shares.to_vec(),
        ..Tree::default()
    };
    insta::assert_snapshot!(refused(vec![leaf(&[0.5, 0.25, 0.25])], vec![0; 3], 3), @"the forest has 3 classes, expected 2");

    // A degenerate tree: the left child of each split is a leaf.
    let mut nodes = vec![Node { feature: 0, threshold: 0.0, next: 1 }];
    while nodes.len() < 1 << 22 {
        let next = nodes.len() as u32 + 2;
        nodes.push(Node::leaf(0));
        nodes.push(Node { feature: 0, threshold: 0.0, next });
    }
    *nodes.last_mut().unwrap() = Node::leaf(0);
    let comb = Tree { nodes, shares: vec![0.5, 0.5], ..Tree::default() };
    insta::assert_snapshot!(refused(vec![comb], vec![0; 3], 2), @"the forest has 4194305 nodes, and model.onnx is made of at most 4194304");
}
