//! Embeds every folder beside this file that has a `connector.yaml`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("embedded.rs");
    watch(&root);
    let mut code = String::from("/// The sources that are built in, sorted by name.\nstatic SOURCES: &[Source] = &[\n");
    for folder in sorted_entries(&root)? {
        if folder.join("connector.yaml").is_file() {
            code.push_str(&source(&folder)?);
        }
    }
    code.push_str("];\n");
    fs::write(target, code)
}

/// The Rust expression of one source.
fn source(folder: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    collect_files(folder, &mut files)?;
    let name = file_name(folder);
    let mut code = format!("    Source {{ name: {name:?}, files: &[\n");
    for file in files {
        let inner = file.strip_prefix(folder).unwrap_or(&file);
        let inner = inner.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let _ = writeln!(code, "        ({inner:?}, include_bytes!({:?})),", file.to_string_lossy());
    }
    code.push_str("    ] },\n");
    Ok(code)
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    watch(folder);
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            collect_files(&path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "rs") {
            watch(&path);
            files.push(path);
        }
    }
    Ok(())
}

fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
