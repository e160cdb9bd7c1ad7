"""Compares ONNX exports with the models' own predictions, row by row, in ONNX Runtime.

    check_onnx.py NAME:MODEL.onnx:ROWS.npy:PREDICTIONS.npy ...

The arrays come from `tidegate-train export --rows` and `--predictions`. Classes must be equal on
every row and shares within a millionth. Ends with 1 if a model differs.
"""

import sys

import numpy
import onnx
import onnxruntime

MISSING = 2**32 - 1
SHARE_TOLERANCE = 1e-6
CLASSES = 6


def check(name, model_path, rows_path, predictions_path):
    """Whether a model answers as expected; prints how far it does not."""
    onnx.checker.check_model(onnx.load(model_path), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model_path, options, providers=["CPUExecutionProvider"]
    )
    # The last column is the actual class.
    rows = numpy.load(rows_path)[:, :-1].astype(numpy.float64)
    rows[rows == MISSING] = numpy.nan
    expected = numpy.load(predictions_path)
    if len(rows) == 0 or len(rows) != len(expected):
        print(f"{name}: {len(rows)} rows, {len(expected)} predictions")
        return False
    shares, nearest, classes = session.run(
        ["shares", "nearest", "class"], {"columns": rows}
    )
    share_error = float(numpy.abs(shares - expected[:, :CLASSES]).max())
    wrong_nearest = int((nearest != expected[:, CLASSES]).sum())
    wrong_class = int((classes != expected[:, CLASSES + 1]).sum())
    print(
        f"{name}: {len(rows)} rows, greatest difference of shares {share_error:.1e}, "
        f"{wrong_nearest} nearest and {wrong_class} classes differ"
    )
    return share_error <= SHARE_TOLERANCE and wrong_nearest == 0 and wrong_class == 0


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    results = [check(*argument.split(":")) for argument in sys.argv[1:]]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
