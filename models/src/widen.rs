//! Model files from before columns were appended to a schema.

use crate::{
    ModelProblem, Schema,
    encoding::ColumnEncoding,
    format::{ForestNode, ModelFile, Parameters, Preprocessing},
};

impl ModelFile {
    /// Brings a file that knows only the schema's first columns to all of them.
    ///
    /// It asks none of the others; in its baseline and its golden vectors they are 0.
    ///
    /// # Errors
    ///
    /// If a golden vector or the baseline has another number of values than the file has columns, or a column is asked
    /// that the file does not declare.
    pub fn widen(mut self) -> Result<Self, ModelProblem> {
        let (schema, width) = (self.schema, self.preprocessing.columns.len());
        let full = schema.columns().len();
        if width == full {
            return Ok(self);
        }
        if let Some(column) = self.parameters.greatest_column(schema)
            && column >= width
        {
            let name = schema.columns().get(column).copied();
            let name = name.map_or_else(|| column.to_string(), str::to_owned);
            return Err(ModelProblem::Undeclared(name, width));
        }
        for (index, golden) in self.golden.iter_mut().enumerate() {
            let got = golden.values.len();
            if got != width {
                return Err(ModelProblem::GoldenWidth {
                    index,
                    got,
                    expected: width,
                });
            }
            golden.values.resize(full, Some(0));
        }
        if let Some(baseline) = self.parameters.baseline_mut() {
            let got = baseline.len();
            if got != width {
                return Err(ModelProblem::BaselineWidth {
                    got,
                    expected: width,
                });
            }
            baseline.resize(full, 0);
        }
        self.preprocessing = Preprocessing::of(schema);
        Ok(self)
    }
}

impl Parameters {
    fn baseline_mut(&mut self) -> Option<&mut Vec<u32>> {
        match self {
            Self::Tree(_) => None,
            Self::Forest(forest) => Some(&mut forest.baseline),
            Self::Svm(svm) => Some(&mut svm.baseline),
            Self::Network(network) => Some(&mut network.baseline),
        }
    }

    /// The last of the columns that are asked; names the schema lacks are left to later checks.
    fn greatest_column(&self, schema: Schema) -> Option<usize> {
        let encoded = |encoding: &[ColumnEncoding]| {
            let columns = encoding.iter().map(ColumnEncoding::column);
            columns.filter_map(|name| schema.column(name)).max()
        };
        match self {
            Self::Tree(nodes) => nodes.iter().filter_map(|node| node.column).max(),
            Self::Forest(forest) => {
                let nodes = forest.trees.iter().chain(&forest.kinds).flatten();
                let columns = nodes.filter_map(|node| match node {
                    ForestNode::Split([column, ..]) => Some(*column as usize),
                    ForestNode::Leaf(_) => None,
                });
                columns.max()
            }
            Self::Svm(svm) => encoded(&svm.encoding),
            Self::Network(network) => encoded(&network.encoding),
        }
    }
}
