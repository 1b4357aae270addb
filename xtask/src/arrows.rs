//! The arrows between the crates: who may depend on whom.

use cargo_metadata::{DependencyKind, Metadata};

/// Every crate, and what it may depend on; `lakeflow-interface` is allowed to all. Tests may depend on anything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lakeflow-interface", &[]),
    ("lakeflow-http", &[]),
    ("lakeflow-manifest", &["lakeflow-http"]),
    ("lakeflow-sources", &["lakeflow-manifest", "lakeflow-http"]),
    ("lakeflow-pipeline", &[]),
    ("lakeflow-python-connector", &[]),
    ("lakeflow-simulator", &[]),
    ("lakeflow-conformance", &["lakeflow-simulator"]),
    (
        "community-connector",
        &[
            "lakeflow-http",
            "lakeflow-manifest",
            "lakeflow-sources",
            "lakeflow-pipeline",
            "lakeflow-python-connector",
            "lakeflow-simulator",
            "lakeflow-conformance",
        ],
    ),
    (
        "lakeflow-python",
        &[
            "community-connector",
            "lakeflow-http",
            "lakeflow-manifest",
            "lakeflow-sources",
            "lakeflow-pipeline",
            "lakeflow-python-connector",
            "lakeflow-simulator",
            "lakeflow-conformance",
        ],
    ),
    ("xtask", &[]),
];

/// Says of every arrow that is not allowed where it is and what may be there.
pub(crate) fn forbidden(metadata: &Metadata) -> Vec<String> {
    let members = metadata.workspace_packages();
    let is_member = |name: &str| members.iter().any(|package| package.name.as_str() == name);
    let mut faults = Vec::new();
    for package in &members {
        let name = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            faults.push(format!("crate `{name}` has no line in xtask/src/arrows.rs: say there what it may depend on"));
            continue;
        };
        let arrows = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        for target in arrows.map(|dependency| dependency.name.as_str()).filter(|target| is_member(target)) {
            if target != "lakeflow-interface" && !allowed.contains(&target) {
                faults
                    .push(format!("`{name}` depends on `{target}`; it may depend on lakeflow-interface, {allowed:?}"));
            }
        }
    }
    faults
}
