//! NumPy's array files, for what reads rows and answers in Python.
//!
//! Source: NumPy's description of its format, version 1.0.

/// A matrix of `uint32`, row by row; as many rows as there are whole ones in `values`.
pub fn of_integers(columns: usize, values: &[u32]) -> Vec<u8> {
    let bytes = values.iter().copied().flat_map(u32::to_le_bytes);
    array("<u4", columns, values.len(), bytes)
}

/// A matrix of `float32`, row by row; as many rows as there are whole ones in `values`.
pub fn of_floats(columns: usize, values: &[f32]) -> Vec<u8> {
    let bytes = values.iter().copied().flat_map(f32::to_le_bytes);
    array("<f4", columns, values.len(), bytes)
}

/// Magic, version, length, a dictionary padded to 64 bytes with its newline, the values.
fn array(kind: &str, columns: usize, values: usize, bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let rows = values.checked_div(columns).unwrap_or(0);
    let dictionary =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let length = (10 + dictionary.len() + 1).next_multiple_of(64) - 10;
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    // Far below 65536.
    array.extend((length as u16).to_le_bytes());
    array.extend(format!("{dictionary:<width$}\n", width = length - 1).into_bytes());
    array.extend(bytes.take(rows * columns * size_of::<u32>()));
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_at_a_multiple_of_64_bytes() {
        let array = of_integers(2, &[1, 2, 3, 0x0102_0304, 5]);
        let (header, values) = array.split_at(array.len() - 16);
        assert_eq!(header.len() % 64, 0);
        assert_eq!(
            usize::from(header[8]) + 256 * usize::from(header[9]),
            header.len() - 10
        );
        assert!(
            header[10..]
                .starts_with(b"{'descr': '<u4', 'fortran_order': False, 'shape': (2, 2), } ")
        );
        assert!(header.ends_with(b" \n"));
        assert_eq!(values, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 3, 2, 1]);
        assert!(of_floats(0, &[1.0]).ends_with(b"\n"));
    }
}
