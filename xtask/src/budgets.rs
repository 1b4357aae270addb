//! Sizes of files, functions and folders against their guide values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use syn::spanned::Spanned;
use syn::visit::Visit;

const FILE_GUIDE: usize = 400;
const FILE_HARD: usize = 600;
const FUNCTION_GUIDE: usize = 60;
const ARGUMENTS_GUIDE: usize = 5;
const FOLDER_GUIDE: usize = 12;

/// The Rust files past the hard limit.
pub(crate) fn past_hard_limit(root: &Path) -> anyhow::Result<Vec<String>> {
    let sources = production_files(root)?;
    Ok(sources
        .iter()
        .filter(|source| source.lines() > FILE_HARD)
        .map(|source| format!("{} has {} production lines; the limit is {FILE_HARD}", source.shown(), source.lines()))
        .collect())
}

/// Files, functions and folders past their guide values: a place to look, not a verdict.
pub(crate) fn past_guide_value(root: &Path) -> anyhow::Result<Vec<String>> {
    let sources = production_files(root)?;
    let mut advice = Vec::new();
    let mut folders: BTreeMap<&Path, usize> = BTreeMap::new();
    for source in &sources {
        if source.lines() > FILE_GUIDE {
            advice.push(format!("{} has {} production lines (guide {FILE_GUIDE})", source.shown(), source.lines()));
        }
        let mut functions = Functions { file: source.shown(), advice: &mut advice };
        functions.visit_file(&source.syntax);
        *folders.entry(source.path.parent().unwrap_or(root)).or_default() += 1;
    }
    for (folder, count) in folders.into_iter().filter(|(_, count)| *count > FOLDER_GUIDE) {
        advice.push(format!("{} has {count} Rust files (guide {FOLDER_GUIDE})", folder.display()));
    }
    Ok(advice)
}

struct Source {
    path: PathBuf,
    syntax: syn::File,
}

impl Source {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Lines up to the last item that is not a test module.
    fn lines(&self) -> usize {
        let production = self.syntax.items.iter().filter(|item| !is_test_module(item));
        production.map(|item| item.span().end().line).max().unwrap_or(0)
    }
}

fn is_test_module(item: &syn::Item) -> bool {
    matches!(item, syn::Item::Mod(module) if module.ident == "tests")
}

/// The Rust files that git tracks or would track, without tests, benches, examples and fuzz targets.
fn production_files(root: &Path) -> anyhow::Result<Vec<Source>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout)?;
    let is_production = |path: &&str| {
        let outside = ["tests", "tests.rs", "benches", "examples", "fuzz"];
        !Path::new(path).components().any(|part| outside.iter().any(|name| part.as_os_str() == *name))
    };
    paths
        .lines()
        .filter(is_production)
        .filter(|path| root.join(path).exists())
        .map(|path| {
            let text = std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned())?;
            let syntax = syn::parse_file(&text).with_context(|| format!("{path} cannot be measured"))?;
            Ok(Source { path: path.into(), syntax })
        })
        .collect()
}

struct Functions<'a> {
    file: String,
    advice: &'a mut Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: proc_macro2::Span) {
        let lines = body.end().line - body.start().line + 1;
        if lines > FUNCTION_GUIDE {
            self.advice
                .push(format!("{}: `{}` has {lines} lines (guide {FUNCTION_GUIDE})", self.file, signature.ident));
        }
        if signature.inputs.len() > ARGUMENTS_GUIDE {
            let count = signature.inputs.len();
            self.advice.push(format!(
                "{}: `{}` takes {count} arguments (guide {ARGUMENTS_GUIDE})",
                self.file, signature.ident
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, function.block.span());
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, function.block.span());
        syn::visit::visit_impl_item_fn(self, function);
    }
}
