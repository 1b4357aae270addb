//! Patterns in which `*` stands for anything.

/// Whether a path matches a pattern, in which `*` stands for anything; a pattern with a `?` sees the query too.
pub(crate) fn matches(pattern: &str, path: &str, query: &str) -> bool {
    if pattern.contains('?') { matches_text(pattern, &format!("{path}?{query}")) } else { matches_text(pattern, path) }
}

/// Whether a text matches a pattern, in which `*` stands for anything.
pub(crate) fn matches_text(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(position) = rest.find(part) else { return false };
        rest = &rest[position + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_anything() {
        for (pattern, expected) in [
            ("*", true),
            ("/repos/*/issues", true),
            ("/repos/*", true),
            ("/repos/a/b/issues", true),
            ("/repos/*/pulls", false),
            ("/repos", false),
            ("*issues?page=2", true),
            ("*issues?*page=3", false),
        ] {
            assert_eq!(matches(pattern, "/repos/a/b/issues", "page=2"), expected, "{pattern}");
        }
    }
}
