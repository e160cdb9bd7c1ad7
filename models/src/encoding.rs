//! From a row of integers to the inputs of a support vector machine or a network.

use serde::{Deserialize, Serialize};

use crate::{MAX_COLUMNS, MISSING, Schema};

/// The most inputs that are accepted.
pub(crate) const MAX_INPUTS: usize = 512;

/// Codes of a named column are below it.
const MAX_CODE: usize = 256;

/// Standardised values are clamped to plus and minus this: a column that hardly ever moved in
/// training must not outweigh all others when it does.
pub(crate) const LIMIT: f32 = 8.0;

/// How one column becomes inputs. Columns that have none are not used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnEncoding {
    /// One input: [`log2_plus_one`] of the value, standardised.
    Log2(Standard),
    /// One input: the value, standardised.
    Linear(Standard),
    /// One input a code, 1 for the row's code and 0 for all others. A code that is not listed,
    /// such as one that never occurred in training, gives 0 everywhere.
    OneHot(Codes),
}

/// A column's location and scale: its input is `(x − mean) · scale`, clamped to ±8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// The column's name.
    pub column: String,
    /// What is subtracted.
    pub mean: f32,
    /// What the difference is multiplied with: one over the standard deviation.
    pub scale: f32,
}

/// The codes of a named column that have an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// The column's name.
    pub column: String,
    /// The codes, ascending; the inputs are in their order.
    pub codes: Vec<u32>,
}

/// What makes an encoding none, or a row no baseline.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EncodingError {
    /// No input, or more than 512.
    #[error("the encoding has {0} inputs: must be 1 to {MAX_INPUTS}")]
    Inputs(usize),
    /// A column the schema lacks.
    #[error("the encoding names a column {0:?} that the schema lacks")]
    Column(String),
    /// A column that comes twice or before one that the schema has earlier.
    #[error("the encoding's column {0:?} is out of order")]
    Order(String),
    /// A mean or a scale that is no number.
    #[error("the encoding of column {0:?} has a number that is not finite")]
    NotFinite(String),
    /// No codes, or codes out of order or range.
    #[error("the codes of column {0:?} must ascend and be below {MAX_CODE}")]
    Codes(String),
    /// A baseline of another width, or with a missing value.
    #[error("the baseline is no whole row of {0} columns")]
    Baseline(usize),
}

/// `log2(value + 1)`, exact at powers of two and linear between them; to 16 binary places.
///
/// The error is below 0.087. It needs integers only, so that every machine agrees, and f32 holds
/// every result exactly.
pub fn log2_plus_one(value: u32) -> f32 {
    let value = value.saturating_add(1);
    let whole = value.ilog2();
    // The bits after the leading one, of which the highest 16 are kept.
    let rest = value.wrapping_shl(31 - whole) & 0x7fff_ffff;
    ((whole << 16) | (rest >> 15)) as f32 / 65_536.0
}

/// The inputs of one row that are not 0: at most one a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs {
    entries: [(u16, f32); MAX_COLUMNS],
    filled: usize,
}

impl Inputs {
    /// Input and value, by ascending input.
    pub(crate) fn entries(&self) -> &[(u16, f32)] {
        &self.entries[..self.filled]
    }

    fn push(&mut self, input: u16, value: f32) {
        if value != 0.0 && self.filled < MAX_COLUMNS {
            self.entries[self.filled] = (input, value);
            self.filled += 1;
        }
    }
}

/// A checked encoding.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    schema: Schema,
    baseline: Vec<u32>,
    columns: Vec<Column>,
    inputs: usize,
}

#[derive(Clone, Debug)]
struct Column {
    index: usize,
    first_input: u16,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Log2 {
        mean: f32,
        scale: f32,
    },
    Linear {
        mean: f32,
        scale: f32,
    },
    /// The place of every code among the column's inputs.
    OneHot(Vec<Option<u16>>),
}

impl Encoding {
    /// Checks it; `baseline` fills in for missing values.
    pub(crate) fn new(
        schema: Schema,
        baseline: &[u32],
        encodings: &[ColumnEncoding],
    ) -> Result<Self, EncodingError> {
        let width = schema.columns().len();
        if baseline.len() != width || baseline.contains(&MISSING) {
            return Err(EncodingError::Baseline(width));
        }
        let mut columns: Vec<Column> = Vec::with_capacity(encodings.len());
        let mut inputs = 0;
        for encoding in encodings {
            let name = encoding.column();
            let index = schema
                .column(name)
                .ok_or_else(|| EncodingError::Column(name.to_owned()))?;
            if columns.last().is_some_and(|last| last.index >= index) {
                return Err(EncodingError::Order(name.to_owned()));
            }
            columns.push(Column {
                index,
                // Checked below: all of them fit.
                first_input: inputs as u16,
                kind: Kind::new(encoding)?,
            });
            inputs += encoding.inputs();
        }
        if !(1..=MAX_INPUTS).contains(&inputs) {
            return Err(EncodingError::Inputs(inputs));
        }
        Ok(Self {
            schema,
            baseline: baseline.to_vec(),
            columns,
            inputs,
        })
    }

    pub(crate) fn schema(&self) -> Schema {
        self.schema
    }

    /// A harmless row, whole.
    pub(crate) fn baseline(&self) -> &[u32] {
        &self.baseline
    }

    /// How many inputs there are.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The inputs of a row, with the baseline for what is missing.
    pub(crate) fn encode(&self, features: &crate::Features) -> Inputs {
        let whole = crate::classifier::with_baseline(self.schema, &self.baseline, features);
        let row = whole.as_ref().unwrap_or(features).raw();
        let mut inputs = Inputs {
            entries: [(0, 0.0); MAX_COLUMNS],
            filled: 0,
        };
        for column in &self.columns {
            let value = row[column.index];
            match &column.kind {
                Kind::Log2 { mean, scale } => {
                    let standard = (log2_plus_one(value) - mean) * scale;
                    inputs.push(column.first_input, standard.clamp(-LIMIT, LIMIT));
                }
                Kind::Linear { mean, scale } => {
                    let standard = (value as f32 - mean) * scale;
                    inputs.push(column.first_input, standard.clamp(-LIMIT, LIMIT));
                }
                Kind::OneHot(places) => {
                    if let Some(Some(place)) = places.get(value as usize) {
                        inputs.push(column.first_input + place, 1.0);
                    }
                }
            }
        }
        inputs
    }
}

impl Kind {
    fn new(encoding: &ColumnEncoding) -> Result<Self, EncodingError> {
        let finite = |standard: &Standard| {
            let finite = standard.mean.is_finite() && standard.scale.is_finite();
            let error = || EncodingError::NotFinite(standard.column.clone());
            finite
                .then_some((standard.mean, standard.scale))
                .ok_or_else(error)
        };
        Ok(match encoding {
            ColumnEncoding::Log2(standard) => {
                let (mean, scale) = finite(standard)?;
                Self::Log2 { mean, scale }
            }
            ColumnEncoding::Linear(standard) => {
                let (mean, scale) = finite(standard)?;
                Self::Linear { mean, scale }
            }
            ColumnEncoding::OneHot(Codes { column, codes }) => {
                let in_range = |code: &u32| (*code as usize) < MAX_CODE;
                if codes.is_empty()
                    || !codes.is_sorted_by(|a, b| a < b)
                    || !codes.iter().all(in_range)
                {
                    return Err(EncodingError::Codes(column.clone()));
                }
                let mut places = vec![None; MAX_CODE];
                for (place, code) in (0..).zip(codes) {
                    places[*code as usize] = Some(place);
                }
                Self::OneHot(places)
            }
        })
    }
}

impl ColumnEncoding {
    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            Self::Log2(standard) | Self::Linear(standard) => &standard.column,
            Self::OneHot(codes) => &codes.column,
        }
    }

    /// How many inputs the column has.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Log2(_) | Self::Linear(_) => 1,
            Self::OneHot(codes) => codes.codes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;
    use crate::LIVE_COLUMNS;
    use crate::{Features, Flag};

    #[test]
    fn the_logarithm_is_exact_at_powers_and_never_falls() {
        for power in 0..32_u32 {
            assert_eq!(log2_plus_one(2_u32.pow(power) - 1), power as f32);
        }
        assert_eq!(log2_plus_one(2), 1.5);
        let mut last = 0.0;
        for value in (0..3_000_000_000_u32).step_by(77_777) {
            let log = log2_plus_one(value);
            let exact = (f64::from(value) + 1.0).log2();
            assert!(log >= last && (exact - f64::from(log)).abs() < 0.087);
            last = log;
        }
        assert!(log2_plus_one(MISSING - 1) < 32.0);
    }

    const WIDTH: usize = LIVE_COLUMNS.len();

    fn standard(column: &str, mean: f32, scale: f32) -> Standard {
        Standard {
            column: column.to_owned(),
            mean,
            scale,
        }
    }

    fn codes(column: &str, codes: &[u32]) -> ColumnEncoding {
        ColumnEncoding::OneHot(Codes {
            column: column.to_owned(),
            codes: codes.to_vec(),
        })
    }

    #[test]
    fn rows_become_inputs() {
        let encodings = [
            ColumnEncoding::Log2(standard("duration", 1.0, 0.5)),
            codes("flag", &[Flag::S0.code(), Flag::SF.code()]),
            ColumnEncoding::Linear(standard("serror_rate", 50.0, 0.02)),
        ];
        let mut baseline = vec![0; WIDTH];
        baseline[3] = Flag::SF.code();
        let encoding = Encoding::new(Schema::Live, &baseline, &encodings).unwrap();
        assert_eq!(encoding.inputs(), 4);
        let mut row = Features::from_values(Schema::Live, &[0; WIDTH]).unwrap();
        row.set(0, 7);
        row.set(11, 100);
        assert_eq!(
            encoding.encode(&row).entries(),
            [(0, 1.0), (1, 1.0), (3, 1.0)]
        );
        row.set(3, Flag::REJ.code());
        row.set(0, 1);
        assert_eq!(
            encoding.encode(&row).entries(),
            [(3, 1.0)],
            "a code without an input, and a value at the mean"
        );
        row.set(3, u32::MAX - 1);
        assert_eq!(encoding.encode(&row).entries(), [(3, 1.0)]);
        let missing = Features::missing(Schema::Kdd41);
        assert_eq!(
            encoding.encode(&missing).entries(),
            [(0, -0.5), (2, 1.0), (3, -1.0)],
            "the baseline's"
        );
    }

    #[test]
    fn a_column_that_hardly_moved_is_held_down() {
        let encodings = [ColumnEncoding::Linear(standard("urgent", 0.0, 1000.0))];
        let encoding = Encoding::new(Schema::Live, &[0; WIDTH], &encodings).unwrap();
        let mut row = Features::from_values(Schema::Live, &[0; WIDTH]).unwrap();
        row.set(8, 3);
        assert_eq!(encoding.encode(&row).entries(), [(0, LIMIT)]);
    }

    #[test]
    fn what_is_no_encoding_is_refused() {
        let check = |encodings: &[ColumnEncoding]| {
            Encoding::new(Schema::Live, &[0; WIDTH], encodings)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(check(&[]), "the encoding has 0 inputs: must be 1 to 512");
        let linear = |name: &str, mean| ColumnEncoding::Linear(standard(name, mean, 1.0));
        assert_eq!(
            check(&[linear("hot", 0.0)]),
            "the encoding names a column \"hot\" that the schema lacks"
        );
        assert_eq!(
            check(&[linear("count", 0.0), linear("count", 0.0)]),
            "the encoding's column \"count\" is out of order"
        );
        assert_eq!(
            check(&[linear("count", f32::NAN)]),
            "the encoding of column \"count\" has a number that is not finite"
        );
        for wrong in [&[][..], &[3, 3], &[256]] {
            assert_eq!(
                check(&[codes("flag", wrong)]),
                "the codes of column \"flag\" must ascend and be below 256"
            );
        }
        let everything: Vec<u32> = (0..256).collect();
        assert_eq!(
            check(&[
                codes("protocol_type", &everything),
                codes("service", &everything),
                codes("flag", &everything)
            ]),
            "the encoding has 768 inputs: must be 1 to 512"
        );
        let short = Encoding::new(Schema::Live, &[0; WIDTH - 1], &[linear("count", 0.0)]);
        assert_eq!(
            short.unwrap_err().to_string(),
            format!("the baseline is no whole row of {WIDTH} columns")
        );
    }
}
