//! A graph under construction. A value is known by its name.

use crate::model::export::onnx::proto;
use crate::model::export::onnx::proto::{attribute_type, data_type};

/// The type of a graph's input or output.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Float,
    Int64,
}

/// One dimension of a graph's input or output.
#[derive(Clone, Copy)]
pub(super) enum Dimension {
    Free(&'static str),
    Fixed(usize),
}

/// An attribute of an operator.
pub(super) enum Value<'a> {
    Int(i64),
    Float(f32),
    Ints(&'a [i64]),
}

/// The attributes of an operator, by name.
pub(super) type Attributes<'a> = &'a [(&'static str, Value<'a>)];

/// A graph under construction.
pub(super) struct Graph {
    message: proto::GraphMessage,
}

impl Graph {
    pub fn new(name: &str) -> Self {
        Self {
            message: proto::GraphMessage {
                name: Some(name.into()),
                ..Default::default()
            },
        }
    }

    pub fn finish(self) -> proto::GraphMessage {
        self.message
    }

    pub fn input(&mut self, name: &str, kind: Type, shape: &[Dimension]) {
        self.message.input.push(value_info(name, kind, shape));
    }

    pub fn output(&mut self, name: &str, kind: Type, shape: &[Dimension]) {
        self.message.output.push(value_info(name, kind, shape));
    }

    /// A constant tensor of floats.
    pub fn floats(&mut self, hint: &str, shape: &[i64], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(hint, data_type::FLOAT, shape, bytes)
    }

    /// A constant tensor of integers.
    pub fn ints(&mut self, hint: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(hint, data_type::INT64, &[values.len() as i64], bytes)
    }

    fn constant(&mut self, hint: &str, kind: i32, shape: &[i64], bytes: Vec<u8>) -> String {
        let name = format!("{hint}_{}", self.message.initializer.len());
        self.message.initializer.push(proto::Tensor {
            dims: shape.to_vec(),
            data_type: Some(kind),
            name: Some(name.clone()),
            raw_data: Some(bytes),
        });
        name
    }

    /// Adds an operator without attributes.
    pub fn operation(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.with(operator, inputs, &[])
    }

    /// Adds an operator.
    pub fn with(&mut self, operator: &str, inputs: &[&str], attributes: Attributes) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.message.node.len());
        self.add(operator, inputs, &output, attributes);
        output
    }

    /// Adds an operator without attributes, whose output has this name.
    pub fn named(&mut self, operator: &str, inputs: &[&str], output: &str) {
        self.add(operator, inputs, output, &[]);
    }

    fn add(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: Attributes) {
        self.message.node.push(proto::Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            name: Some(output.into()),
            op_type: Some(operator.into()),
            attribute: attributes.iter().map(attribute).collect(),
        });
    }
}

fn attribute((name, value): &(&'static str, Value)) -> proto::Attribute {
    let (f, i, ints, kind): (_, _, &[i64], _) = match *value {
        Value::Float(f) => (Some(f), None, &[], attribute_type::FLOAT),
        Value::Int(i) => (None, Some(i), &[], attribute_type::INT),
        Value::Ints(ints) => (None, None, ints, attribute_type::INTS),
    };
    proto::Attribute {
        name: Some((*name).into()),
        f,
        i,
        ints: ints.to_vec(),
        kind: Some(kind),
    }
}

fn value_info(name: &str, kind: Type, shape: &[Dimension]) -> proto::ValueInfo {
    let dim = |dimension: &Dimension| match *dimension {
        Dimension::Free(name) => proto::Dim {
            value: None,
            param: Some(name.into()),
        },
        Dimension::Fixed(size) => proto::Dim {
            value: Some(size as i64),
            param: None,
        },
    };
    let elem_type = match kind {
        Type::Float => data_type::FLOAT,
        Type::Int64 => data_type::INT64,
    };
    proto::ValueInfo {
        name: Some(name.into()),
        kind: Some(proto::TypeMessage {
            tensor_type: Some(proto::TensorType {
                elem_type: Some(elem_type),
                shape: Some(proto::TensorShape {
                    dim: shape.iter().map(dim).collect(),
                }),
            }),
        }),
    }
}
