//! Paths with placeholders: `/repos/{owner}/{repo}/issues`.

use percent_encoding::percent_decode_str;

/// A pattern of a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PathPattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Literal(String),
    Placeholder { before: String, name: String, after: String },
}

impl PathPattern {
    /// Reads a pattern; a segment may have text around its placeholder, as in `{id}.json`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!("expected a path that begins with `/`, found `{text}`"));
        };
        let segment = |segment: &str| match segment.split_once('{') {
            None if segment.contains('}') => Err(format!("unpaired `}}` in `{text}`")),
            None => Ok(Segment::Literal(segment.to_owned())),
            Some((before, rest)) => match rest.split_once('}') {
                Some((name, after)) if !name.is_empty() && !after.contains(['{', '}']) => Ok(Segment::Placeholder {
                    before: before.to_owned(),
                    name: name.to_owned(),
                    after: after.to_owned(),
                }),
                _ => Err(format!("expected one `{{placeholder}}` in a segment, found `{segment}` in `{text}`")),
            },
        };
        Ok(Self { segments: path.split('/').map(segment).collect::<Result<_, _>>()? })
    }

    /// The names of the placeholders.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Placeholder { name, .. } => Some(name.as_str()),
        })
    }

    /// The values of the placeholders, decoded, if the path matches.
    pub(crate) fn matches(&self, path: &str) -> Option<Vec<String>> {
        let mut values = Vec::new();
        let mut given = path.strip_prefix('/')?.split('/');
        for segment in &self.segments {
            let text = given.next()?;
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Literal(_) => return None,
                Segment::Placeholder { before, after, .. } => {
                    let value = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                    if value.is_empty() {
                        return None;
                    }
                    values.push(percent_decode_str(value).decode_utf8_lossy().into_owned());
                }
            }
        }
        given.next().is_none().then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_match_one_segment_each() {
        let pattern = PathPattern::parse("/repos/{owner}/{repo}/issues/{number}.json").unwrap();
        assert_eq!(pattern.placeholders().collect::<Vec<_>>(), ["owner", "repo", "number"]);
        assert_eq!(pattern.matches("/repos/a%20b/c/issues/7.json").unwrap(), ["a b", "c", "7"]);
        for other in
            ["/repos/a/b/issues/7", "/repos/a/b/issues", "/repos/a/b/issues/7.json/x", "/repos//b/issues/7.json"]
        {
            assert_eq!(pattern.matches(other), None, "{other}");
        }
    }

    #[test]
    fn bad_patterns_are_explained() {
        assert!(PathPattern::parse("repos").unwrap_err().contains("begins with `/`"));
        assert!(PathPattern::parse("/a/{b").unwrap_err().contains("{placeholder}"));
        assert!(PathPattern::parse("/a/b}").unwrap_err().contains("unpaired"));
    }
}
