//! How fast records are made.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lakeflow_simulator::{Simulator, SimulatorDefinition, SimulatorSettings};

fn rows(criterion: &mut Criterion) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sources/github/simulator");
    let Ok(definition) = SimulatorDefinition::load(&fixture) else { return };
    let settings = SimulatorSettings { scale: 1_000, ..SimulatorSettings::default() };
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
    let Ok(simulator) = runtime.block_on(Simulator::start(&definition, settings)) else { return };
    let mut group = criterion.benchmark_group("rows");
    for table in ["issues", "pull_requests", "commits"] {
        let page = || {
            simulator
                .rows(table)
                .ok()
                .into_iter()
                .flat_map(|mut rows| std::iter::from_fn(move || rows.next_json()))
                .take(1_000)
        };
        group.throughput(Throughput::Bytes(page().map(|row| row.len() as u64).sum()));
        group.bench_function(table, |bencher| bencher.iter(|| page().for_each(|row| drop(black_box(row)))));
    }
}

criterion_group!(benches, rows);
criterion_main!(benches);
