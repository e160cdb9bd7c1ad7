#!/usr/bin/env python3
"""CPU time and memory of scikit-learn's DecisionTreeClassifier on the rows benches/fit.rs fits.

The same integer matrix (names as codes, rates in percent) and classes, one thread, from X and y
in memory to the fitted tree. X is float32 and y integer already, which spares scikit-learn the
conversion. With --distinct it gets what the other trainer merges for itself, untimed: distinct
rows, weighing the square root of their number. Needs numpy, scikit-learn and, for a .zst file, the zstd command.

    benches/sklearn_fit.py --data DIR --depth 12
"""

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy
import sklearn
from sklearn.tree import DecisionTreeClassifier

NAME = "kddcup.data_10_percent"
# Columns with a rate from 0 to 1, as in kddcup.names.
RATES = set(range(24, 31)) | set(range(33, 41))
ATTACKS = {
    "probe": "ipsweep nmap portsweep satan",
    "dos": "back land neptune pod smurf teardrop",
    "u2r": "buffer_overflow loadmodule perl rootkit",
    "r2l": "ftp_write guess_passwd imap multihop phf spy warezclient warezmaster",
}
CLASS_OF = {label: name for name, labels in ATTACKS.items() for label in labels.split()}
CLASS_OF["normal"] = "normal"
CLASSES = ["normal", *ATTACKS]


def text(folder):
    path = os.path.join(folder, NAME)
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            return file.read()
    if os.path.exists(path + ".gz"):
        with gzip.open(path + ".gz", "rt", encoding="ascii") as file:
            return file.read()
    return subprocess.run(
        ["zstd", "-dcq", path + ".zst"], check=True, capture_output=True, text=True
    ).stdout


def read(folder):
    lines = text(folder).splitlines()
    matrix = numpy.empty((len(lines), 41), dtype=numpy.float32)
    classes = numpy.empty(len(lines), dtype=numpy.int64)
    codes = [{} for _ in range(41)]
    for row, line in enumerate(lines):
        values = line.split(",")
        for column in (1, 2, 3):
            names = codes[column]
            values[column] = names.setdefault(values[column], len(names))
        classes[row] = CLASSES.index(CLASS_OF[values.pop().rstrip(".")])
        matrix[row] = values
    for column in RATES:
        matrix[:, column] = numpy.rint(matrix[:, column] * 100)
    return matrix, classes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--depth", type=int, help="unlimited if absent")
    parser.add_argument("--min-leaf", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--distinct", action="store_true")
    options = parser.parse_args()
    matrix, classes = read(options.data)
    weights = None
    if options.distinct:
        labelled, counts = numpy.unique(
            numpy.column_stack((matrix, classes.astype(numpy.float32))), axis=0, return_counts=True
        )
        matrix = numpy.ascontiguousarray(labelled[:, :41])
        classes = labelled[:, 41].astype(numpy.int64)
        weights = numpy.sqrt(counts)
    seconds = []
    for _ in range(options.runs):
        tree = DecisionTreeClassifier(
            max_depth=options.depth, min_samples_leaf=options.min_leaf, random_state=1
        )
        start = time.process_time()
        tree.fit(matrix, classes, sample_weight=weights)
        seconds.append(time.process_time() - start)
    print(
        json.dumps(
            {
                "trainer": f"scikit-learn {sklearn.__version__}",
                "rows": len(matrix),
                "max_depth": options.depth,
                "min_leaf": options.min_leaf,
                "runs": options.runs,
                "cpu_seconds": statistics.median(seconds),
                "nodes": int(tree.tree_.node_count),
                "leaves": int(tree.get_n_leaves()),
                # Reading the text is part of it.
                "max_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
