//! No prediction allocates.

#![cfg(feature = "train")]
#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]
#![expect(unsafe_code, reason = "an allocator that counts is an unsafe trait's")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use tidegate_models::{
    Class, Classifier, Costs, Features, Model, Network, Prediction, Schema, Svm,
    train::{
        Dataset,
        network::{self, NetworkSettings},
        svm::{self, SvmSettings},
    },
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Fails only while the thread ends.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same, and all memory is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn predictions_do_not_allocate() {
    let rows = (0..100).map(|i| {
        let mut values = [0; 33];
        values[4] = i;
        let class = if i < 50 { Class::Normal } else { Class::Dos };
        let features = Features::from_values(Schema::Live, &values).unwrap();
        (features, class, class.to_string())
    });
    let data = Dataset::new(Schema::Live, rows);
    let svm = svm::fit(&data, &SvmSettings::default(), 1).unwrap();
    let svm = Svm::new(data.schema, "svm", Costs::ARGMAX, &svm).unwrap();
    let (network, _) = network::fit(&data, &NetworkSettings::default(), 1).unwrap();
    let network = Network::new(data.schema, "network", Costs::ARGMAX, &network).unwrap();
    let tree = Model::shipped(Schema::Live).unwrap();
    let mut rows = vec![
        Features::missing(Schema::Live),
        Features::missing(Schema::Kdd41),
    ];
    rows.extend(data.rows.iter().map(|row| row.features));
    let classifiers: [&dyn Classifier; 3] = [&svm, &network, &tree];
    for classifier in classifiers {
        let mut predictions: Vec<Prediction> =
            rows.iter().map(|row| classifier.predict(row)).collect();
        let counted = allocations(|| {
            for row in &rows {
                std::hint::black_box(classifier.predict(row));
            }
            classifier.predict_batch(&rows, &mut predictions);
        });
        assert_eq!(counted, 0, "{}", classifier.name());
    }
    assert!(
        allocations(|| drop(std::hint::black_box(vec![1_u8]))) > 0,
        "it does count"
    );
}
