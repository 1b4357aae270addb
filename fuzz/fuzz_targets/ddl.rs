//! Any text as DDL: a schema that survives the round trip, or an error.

#![no_main]

use lakeflow_interface::ddl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(schema) = ddl::parse(text) {
        assert_eq!(ddl::parse(&ddl::to_ddl(&schema)).expect("what we write, we read"), schema);
    }
});
