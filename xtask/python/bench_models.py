"""Fits and measures what `cargo xtask bench models` sets beside tidegate's models.

    bench_models.py FOLDER

FOLDER holds NumPy arrays by `tidegate-train export --rows kdd41`: training.npy, corrected.npy and,
for NSL-KDD, nsl-training.npy, KDDTest+.npy, KDDTest-21.npy; each row 41 integers and the class.
Prints one JSON object. One thread; settings are the libraries' own where nothing is said, with a
fixed seed; verdicts are the most likely class. Linear machines and networks get the columns
standardised, the logarithm taken of the unbounded ones first.
"""

import json
import os
import statistics
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import lightgbm
import numpy
import xgboost
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

SEED = 1
FIT_RUNS = 3
BATCH_RUNS = 7
SINGLE_ROWS = 1000
# Bounds, so that a run takes minutes: they are reached, and the figures are those by then.
SVM_ITERATIONS = 100
NETWORK_EPOCHS = 30

# The contest's cost of calling a row (actual, first index) something (predicted).
COST = numpy.array(
    [
        [0, 2, 1, 2, 2],
        [2, 0, 1, 2, 2],
        [1, 2, 0, 2, 2],
        [4, 2, 2, 0, 2],
        [3, 2, 2, 2, 0],
    ]
)
CLASSES = len(COST)


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(folder, name):
    """Columns as float32 and classes, or None for a file that is not there."""
    path = os.path.join(folder, name + ".npy")
    if not os.path.exists(path):
        return None
    rows = numpy.load(path)
    return numpy.ascontiguousarray(rows[:, :-1], dtype=numpy.float32), rows[:, -1].astype(int)


def figures(actual, predicted):
    """Figures of merit; shares of rows but for the cost, which is a mean over rows."""
    confusion = numpy.zeros((CLASSES, CLASSES), dtype=numpy.int64)
    numpy.add.at(confusion, (actual, predicted), 1)
    total = confusion.sum()
    right = numpy.diag(confusion)
    # A class that neither is nor is said has no F1 of its own: 0.
    f1 = 2 * right / numpy.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    called_attack = confusion[:, 1:].sum(axis=1)
    return {
        "accuracy": right.sum() / total,
        "kdd_cost": (confusion * COST).sum() / total,
        "false_positive_rate": called_attack[0] / confusion[0].sum(),
        "detection_rate": called_attack[1:].sum() / confusion[1:].sum(),
        "binary_accuracy": (confusion[0, 0] + called_attack[1:].sum()) / total,
        "macro_f1": f1.mean(),
    }


def logarithms(columns):
    return numpy.where(columns > 511, numpy.log1p(columns) * 82, columns)


def scaled(estimator):
    # Counts and rates end at 511; the logarithm goes on from there (82 is 511 / log(512)).
    return make_pipeline(FunctionTransformer(logarithms), StandardScaler(), estimator)


def rivals():
    """Names and estimators, not fitted."""
    return {
        "scikit-learn tree": DecisionTreeClassifier(random_state=SEED),
        "scikit-learn tree, depth 12": DecisionTreeClassifier(max_depth=12, random_state=SEED),
        "scikit-learn LinearSVC": scaled(
            LinearSVC(dual=False, max_iter=SVM_ITERATIONS, random_state=SEED)
        ),
        "scikit-learn MLPClassifier": scaled(
            MLPClassifier(
                (64, 32), batch_size=512, max_iter=NETWORK_EPOCHS, random_state=SEED
            )
        ),
        "LightGBM": lightgbm.LGBMClassifier(n_jobs=1, random_state=SEED, verbose=-1),
        "XGBoost": xgboost.XGBClassifier(n_jobs=1, random_state=SEED),
    }


def fit(columns, classes):
    """All rivals, fitted, with the CPU seconds that took."""
    fitted = {}
    seconds = {}
    for name, estimator in rivals().items():
        begin = time.process_time()
        with warnings.catch_warnings():
            # The bounds above.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted[name] = estimator.fit(columns, classes)
        seconds[name] = time.process_time() - begin
        say(f"{name}: fitted on {len(columns)} rows in {seconds[name]:.1f} s")
    return fitted, seconds


def judge(fitted, tests):
    """Figures by test file and rival."""
    return {
        test: {
            name: figures(classes, estimator.predict(columns).astype(int))
            for name, estimator in fitted.items()
        }
        for test, (columns, classes) in tests.items()
    }


def fit_seconds(columns, classes, depth):
    """CPU seconds of a tree's fit from the matrix in memory; the median."""
    times = []
    for _ in range(FIT_RUNS):
        begin = time.process_time()
        DecisionTreeClassifier(max_depth=depth, random_state=SEED).fit(columns, classes)
        times.append(time.process_time() - begin)
    return statistics.median(times)


def speed(columns, predict):
    """Nanoseconds of a call with one row, and rows a second of a call with all."""
    step = max(len(columns) // SINGLE_ROWS, 1)
    singles = [columns[row : row + 1] for row in range(0, len(columns), step)]
    predict(singles[0])
    begin = time.perf_counter()
    for row in singles:
        predict(row)
    one = (time.perf_counter() - begin) / len(singles)
    times = []
    for _ in range(BATCH_RUNS):
        begin = time.perf_counter()
        predict(columns)
        times.append(time.perf_counter() - begin)
    return {
        "one_row_ns": one * 1e9,
        "batch_rows_per_s": len(columns) / statistics.median(times),
    }


def speeds(fitted, columns):
    """Each through its shortest way in."""
    light = fitted["LightGBM"].booster_
    extreme = fitted["XGBoost"].get_booster()
    return {
        "scikit-learn tree": speed(columns, fitted["scikit-learn tree, depth 12"].predict),
        "LightGBM": speed(columns, lambda rows: light.predict(rows, num_threads=1)),
        "XGBoost": speed(columns, extreme.inplace_predict),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    training = read(folder, "training")
    corrected = read(folder, "corrected")
    if training is None or corrected is None:
        sys.exit(f"{folder}: training.npy and corrected.npy are needed")
    result = {
        "fit_cpu_seconds": {
            "depth 12": fit_seconds(*training, 12),
            "unlimited": fit_seconds(*training, None),
        }
    }
    say(f"scikit-learn's tree: {result['fit_cpu_seconds']}")
    fitted, _ = fit(*training)
    result["speed"] = speeds(fitted, corrected[0])
    result["figures"] = judge(fitted, {"corrected": corrected})
    nsl = read(folder, "nsl-training")
    if nsl is not None:
        tests = {name: read(folder, name) for name in ("KDDTest+", "KDDTest-21")}
        fitted, _ = fit(*nsl)
        found = {name: rows for name, rows in tests.items() if rows is not None}
        result["figures"] |= judge(fitted, found)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
