//! `model.onnx`: the forest in the ONNX format, for other inference runtimes.
//!
//! ```text
//! X (float, rows by features) -> Cast to double -> TreeEnsembleClassifier -> label (int64, rows)
//!                                                            | scores
//!                           probabilities (float, rows by 2) <- + 0.5 <- / trees
//! ```
//!
//! The weight of a leaf for a class is the class's share of the leaf minus one half. Some runtimes
//! choose the class with the greater score as the label, others choose class 1 if its score is
//! above 0; with these weights both give the same label. The cast makes runtimes add the weights in
//! f64, where the sum of the shares of a fitted forest is exact.

mod messages;

use forest::RandomForest;
use prost::Message;
use prost::bytes::Bytes;

use crate::bundle::Bundle;
use crate::document::DocumentError;
use crate::names::MODEL_ONNX;
use crate::recipe_file;
use messages::{
    AttributeProto, AttributeType, DataType, Dimension, Extent, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

/// The version of the ONNX intermediate representation.
const IR_VERSION: i64 = 7;
/// The version of the default operator set.
const OPSET_VERSION: i64 = 13;
/// The domain and version of the operator set for classical machine learning.
const ML_OPSET: (&str, i64) = ("ai.onnx.ml", 1);

/// The maximum number of nodes. The model is built in memory, at 200 bytes a node, and runtimes
/// need as much to load it.
const MAX_NODES: usize = 1 << 22;

/// The reason for which a bundle cannot be exported as `model.onnx`.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The forest has too many nodes.
    #[error("the forest has {0} nodes, and {MODEL_ONNX} is made of at most {MAX_NODES}")]
    Nodes(usize),
    /// The forest does not have two classes.
    #[error("the forest has {0} classes, expected 2")]
    Classes(usize),
    /// The recipe cannot be serialized.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Bundle {
    /// Returns the bytes of `model.onnx`. Its input is a matrix of the recipe's features,
    /// engineered features included. Its metadata holds their names in order as `features`, and
    /// `recipe.json` as `recipe`.
    ///
    /// # Errors
    /// A forest that has more than 4,194,304 nodes, or other than two classes.
    pub fn to_onnx(&self) -> Result<Vec<u8>, OnnxError> {
        let Self { forest, recipe, metadata, .. } = self;
        let nodes = forest.trees().iter().map(|tree| tree.nodes.len()).sum();
        if nodes > MAX_NODES {
            return Err(OnnxError::Nodes(nodes));
        }
        if forest.classes() != 2 {
            return Err(OnnxError::Classes(forest.classes()));
        }
        let features: Vec<&str> = recipe.feature_names().collect();
        let recipe = recipe_file::write_recipe(recipe)?;
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: metadata.algorithm.clone(),
            producer_version: metadata.program_version.clone(),
            graph: Some(graph(forest)),
            opset_import: [("", OPSET_VERSION), ML_OPSET]
                .map(|(domain, version)| OperatorSetIdProto { domain: domain.to_owned(), version })
                .into(),
            metadata_props: [
                ("features", serde_json::json!(features).to_string()),
                ("recipe", String::from_utf8_lossy(&recipe).into_owned()),
            ]
            .map(|(key, value)| StringStringEntryProto { key: key.to_owned(), value })
            .into(),
        };
        Ok(model.encode_to_vec())
    }
}

fn graph(forest: &RandomForest) -> GraphProto {
    let node = |op_type: &str, domain: &str, input: &[&str], output: &[&str], attribute| {
        let names = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
        NodeProto {
            input: names(input),
            output: names(output),
            op_type: op_type.to_owned(),
            attribute,
            domain: domain.to_owned(),
        }
    };
    let number = |name: &str, value| TensorProto {
        data_type: DataType::Float.into(),
        float_data: vec![value],
        name: name.to_owned(),
    };
    let to_double =
        AttributeProto { i: DataType::Double as i64, ..attribute("to", AttributeType::Int) };
    GraphProto {
        name: "random_forest".to_owned(),
        node: vec![
            node("Cast", "", &["X"], &["doubles"], vec![to_double]),
            node(
                "TreeEnsembleClassifier",
                ML_OPSET.0,
                &["doubles"],
                &["label", "scores"],
                ensemble(forest),
            ),
            node("Div", "", &["scores", "trees"], &["centred"], Vec::new()),
            node("Add", "", &["centred", "half"], &["probabilities"], Vec::new()),
        ],
        initializer: vec![number("trees", forest.trees().len() as f32), number("half", 0.5)],
        input: vec![value("X", DataType::Float, &[forest.features()])],
        output: vec![
            value("label", DataType::Int64, &[]),
            value("probabilities", DataType::Float, &[forest.classes()]),
        ],
    }
}

/// Describes an input or output: any number of rows, each of the shape `row`.
fn value(name: &str, elem_type: DataType, row: &[usize]) -> ValueInfoProto {
    let rows = Extent::Parameter("rows".to_owned());
    let row = row.iter().map(|&extent| Extent::Value(extent as i64));
    let dim = std::iter::once(rows).chain(row).map(|extent| Dimension { extent: Some(extent) });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: elem_type.into(), shape });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind.into(), ..AttributeProto::default() }
}

/// Returns the trees as attributes of `TreeEnsembleClassifier`: one list for each property of a
/// node.
fn ensemble(forest: &RandomForest) -> Vec<AttributeProto> {
    let trees = || forest.trees().iter().zip(0_i64..);
    let nodes = || {
        trees().flat_map(|(tree, index)| {
            tree.nodes.iter().zip(0_i64..).map(move |(node, at)| (index, at, node))
        })
    };
    // Tree, node, class and weight, for both classes of each leaf.
    let weights = || {
        nodes().filter(|(_, _, node)| node.is_leaf()).flat_map(|(index, at, node)| {
            let shares = &forest.trees()[index as usize].shares[2 * node.next as usize..][..2];
            shares.iter().zip(0_i64..).map(move |(share, class)| (index, at, class, share - 0.5))
        })
    };
    let ints = |name: &str, ints: &mut dyn Iterator<Item = i64>| AttributeProto {
        ints: ints.collect(),
        ..attribute(name, AttributeType::Ints)
    };
    let floats = |name: &str, floats: &mut dyn Iterator<Item = f32>| AttributeProto {
        floats: floats.collect(),
        ..attribute(name, AttributeType::Floats)
    };
    let child = |node: &forest::Node, side: i64| {
        if node.is_leaf() { 0 } else { i64::from(node.next) + side }
    };
    let mode = |node: &forest::Node| {
        Bytes::from_static(if node.is_leaf() { b"LEAF" } else { b"BRANCH_LEQ" })
    };
    let feature = |node: &forest::Node| if node.is_leaf() { 0 } else { i64::from(node.feature) };
    let modes = AttributeProto {
        strings: nodes().map(|(.., node)| mode(node)).collect(),
        ..attribute("nodes_modes", AttributeType::Strings)
    };
    let post_transform = AttributeProto {
        s: Bytes::from_static(b"NONE"),
        ..attribute("post_transform", AttributeType::String)
    };
    vec![
        ints("nodes_treeids", &mut nodes().map(|(index, ..)| index)),
        ints("nodes_nodeids", &mut nodes().map(|(_, at, _)| at)),
        modes,
        ints("nodes_featureids", &mut nodes().map(|(.., node)| feature(node))),
        floats("nodes_values", &mut nodes().map(|(.., node)| node.threshold)),
        ints("nodes_truenodeids", &mut nodes().map(|(.., node)| child(node, 0))),
        ints("nodes_falsenodeids", &mut nodes().map(|(.., node)| child(node, 1))),
        ints("class_treeids", &mut weights().map(|(index, ..)| index)),
        ints("class_nodeids", &mut weights().map(|(_, at, ..)| at)),
        ints("class_ids", &mut weights().map(|(_, _, class, _)| class)),
        floats("class_weights", &mut weights().map(|(.., weight)| weight)),
        ints("classlabels_int64s", &mut [0, 1].into_iter()),
        post_transform,
    ]
}
