//! The `Link` header of RFC 8288, as far as pagination needs it.

use http::HeaderMap;
use http::header::LINK;

/// The target of the link with this relation.
pub(super) fn link_target<'h>(headers: &'h HeaderMap, rel: &str) -> Option<&'h str> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(|value| target_in(value, rel))
}

fn target_in<'h>(mut rest: &'h str, rel: &str) -> Option<&'h str> {
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = end_of_parameters(after);
        if has_relation(&after[..end], rel) {
            return Some(target.trim());
        }
        rest = &after[end..];
    }
}

/// The position of the comma that ends a link's parameters; one within quotes does not.
fn end_of_parameters(text: &str) -> usize {
    let mut is_quoted = false;
    for (position, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return position,
            _ => {}
        }
    }
    text.len()
}

fn has_relation(parameters: &str, rel: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case(rel))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(value: &str, rel: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(LINK, value.parse().unwrap())]);
        link_target(&headers, rel).map(str::to_owned)
    }

    #[test]
    fn target_is_found_by_relation() {
        let github = r#"<https://h.example/x?page=2>; rel="next", <https://h.example/x?page=9&q=a,b>; rel="last""#;
        assert_eq!(target(github, "next").as_deref(), Some("https://h.example/x?page=2"));
        assert_eq!(target(github, "last").as_deref(), Some("https://h.example/x?page=9&q=a,b"));
        assert_eq!(target(github, "prev"), None);
    }

    #[test]
    fn odd_but_valid_links_are_understood() {
        assert_eq!(target("</x?a=1,2>; title=\"a, b\"; REL=\"start next\"", "next").as_deref(), Some("/x?a=1,2"));
        assert_eq!(target("</a>;rel=prev,</b>;rel=next;results=\"true\"", "next").as_deref(), Some("/b"));
        assert_eq!(target("no link at all", "next"), None);
    }
}
