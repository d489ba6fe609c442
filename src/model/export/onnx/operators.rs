//! Operators of ONNX, as opset 17 has them.

use tch::Tensor;

use crate::model::export::onnx::graph::{Graph, Value};
use crate::model::export::onnx::values;

impl Graph {
    /// An operator of a value and a number.
    pub fn scalar_operation(&mut self, operator: &str, x: &str, number: f32) -> String {
        let number = self.floats("number", &[1], &[number]);
        self.operation(operator, &[x, &number])
    }

    /// A constant with the values of a tensor.
    pub fn tensor(&mut self, hint: &str, tensor: &Tensor) -> String {
        let (shape, values) = values(tensor);
        self.floats(hint, &shape, &values)
    }

    /// `x` with another dimension of size 1.
    pub fn unsqueeze(&mut self, x: &str, axis: i64) -> String {
        let axes = self.ints("axes", &[axis]);
        self.operation("Unsqueeze", &[x, &axes])
    }

    /// The mean over these axes, which keep the size 1.
    pub fn mean_over(&mut self, x: &str, axes: &[i64]) -> String {
        self.with("ReduceMean", &[x], &[("axes", Value::Ints(axes))])
    }

    /// The mean of values of the same shape.
    pub fn mean(&mut self, values: &[String]) -> String {
        match values {
            [one] => one.clone(),
            several => {
                let inputs: Vec<&str> = several.iter().map(String::as_str).collect();
                self.operation("Mean", &inputs)
            }
        }
    }

    /// A convolution with zero padding of the same size on each side.
    pub fn convolution(
        &mut self,
        x: &str,
        [weight, bias]: &[Tensor; 2],
        stride: i64,
        padding: i64,
    ) -> String {
        let kernel = weight.size()[2..].to_vec();
        let weight = self.tensor("weight", weight);
        let bias = self.tensor("bias", bias);
        self.with(
            "Conv",
            &[x, &weight, &bias],
            &[
                ("kernel_shape", Value::Ints(&kernel)),
                ("strides", Value::Ints(&[stride; 2])),
                ("pads", Value::Ints(&[padding; 4])),
            ],
        )
    }

    /// Maxima of 3 × 3.
    pub fn max_pool(&mut self, x: &str, stride: i64, padding: i64) -> String {
        self.with(
            "MaxPool",
            &[x],
            &[
                ("kernel_shape", Value::Ints(&[3; 2])),
                ("strides", Value::Ints(&[stride; 2])),
                ("pads", Value::Ints(&[padding; 4])),
            ],
        )
    }

    /// A dense layer; a weight is outputs × inputs.
    pub fn dense(&mut self, x: &str, [weight, bias]: &[Tensor; 2]) -> String {
        let weight = self.tensor("weight", weight);
        let bias = self.tensor("bias", bias);
        let attributes = [("transB", Value::Int(1))];
        self.with("Gemm", &[x, &weight, &bias], &attributes)
    }

    /// All dimensions but the first in one.
    pub fn flatten(&mut self, x: &str) -> String {
        self.with("Flatten", &[x], &[("axis", Value::Int(1))])
    }

    /// A rectifier with this slope below 0.
    pub fn leaky(&mut self, x: &str, slope: f32) -> String {
        self.with("LeakyRelu", &[x], &[("alpha", Value::Float(slope))])
    }

    /// Remainders, which are never negative.
    pub fn modulo(&mut self, x: &str, divisor: i64) -> String {
        let divisor = self.ints("divisor", &[divisor]);
        self.operation("Mod", &[x, &divisor])
    }

    /// Places of `number` in a list: found × 1.
    pub fn indices_of(&mut self, list: &str, number: i64) -> String {
        let number = self.ints("number", &[number]);
        let equal = self.operation("Equal", &[list, &number]);
        let places = self.operation("NonZero", &[&equal]);
        self.operation("Transpose", &[&places])
    }

    /// Some of the rows of `x`; `indices` is rows × 1.
    pub fn rows(&mut self, x: &str, indices: &str) -> String {
        self.operation("GatherND", &[x, indices])
    }

    /// `x` with other values in some of its rows; `indices` is rows × 1.
    pub fn with_rows(&mut self, x: &str, indices: &str, rows: &str) -> String {
        self.operation("ScatterND", &[x, indices, rows])
    }

    /// Zeros: one row for each element of `list`.
    pub fn zeros_for_each(&mut self, list: &str, columns: usize) -> String {
        let length = self.operation("Shape", &[list]);
        let columns = self.ints("columns", &[columns as i64]);
        let shape = self.with("Concat", &[&length, &columns], &[("axis", Value::Int(0))]);
        self.operation("ConstantOfShape", &[&shape])
    }

    /// Adds some of the columns of `x`, rows × columns, under the name `output`.
    pub fn columns(&mut self, x: &str, columns: std::ops::Range<usize>, output: &str) {
        let [start, end, axis] = [columns.start, columns.end, 1].map(|at| at as i64);
        let bounds = [start, end, axis].map(|bound| self.ints("bound", &[bound]));
        self.named("Slice", &[x, &bounds[0], &bounds[1], &bounds[2]], output);
    }
}
