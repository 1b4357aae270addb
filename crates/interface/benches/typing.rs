//! Issues as GitHub sends them: parsing, typing, and both, in rows per second.

#![expect(clippy::expect_used, reason = "a bench may stop at what it did not expect")]

mod issues;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lakeflow_interface::records::{BadValues, Page, Typer};

const ISSUES: usize = 100;

fn typing(criterion: &mut Criterion) {
    let text = issues::page(ISSUES);
    let records = issues::records(text.as_str());
    let mut group = criterion.benchmark_group("issues");
    group.throughput(Throughput::Elements(ISSUES as u64));

    group.bench_function("validate UTF-8", |bencher| {
        bencher.iter(|| std::str::from_utf8(black_box(text.as_bytes())).is_ok());
    });
    group.bench_function("parse", |bencher| {
        bencher.iter_batched(|| text.clone(), |text| Page::parse(text).expect("a page"), BatchSize::LargeInput);
    });
    group.bench_function("parse, simd-json's tape", |bencher| {
        bencher.iter_batched_ref(
            || text.clone().into_bytes(),
            |bytes| {
                black_box(simd_json::to_tape(bytes).expect("a tape"));
            },
            BatchSize::LargeInput,
        );
    });
    let mut typer = Typer::new("issues", issues::schema(), BadValues::Rescue).expect("a typer");
    group.bench_function("type", |bencher| {
        bencher.iter(|| {
            typer.push(&records).expect("rows");
            black_box(typer.finish().expect("a batch"));
        });
    });
    group.bench_function("parse and type", |bencher| {
        let parse_and_type = |text: String| {
            typer.push(&issues::records(text)).expect("rows");
            typer.finish().expect("a batch")
        };
        bencher.iter_batched(|| text.clone(), parse_and_type, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = typing
}
criterion_main!(benches);
