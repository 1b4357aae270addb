//! What was probably meant by a name that does not exist.

use crate::{Error, ErrorKind};

/// The candidate nearest to `name`, if one is near enough to be a slip of the fingers.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The error for a name that does not exist: what it is, the nearest valid name, and all valid names.
pub fn unknown_name<'a>(
    kind: ErrorKind,
    what: &str,
    name: &str,
    valid: impl IntoIterator<Item = &'a str> + Clone,
) -> Error {
    let mut names: Vec<&str> = valid.clone().into_iter().collect();
    names.sort_unstable();
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(name, valid) {
        Some(near) => format!("did you mean `{near}`? valid: {list}"),
        None if names.is_empty() => format!("there is no {what} to choose from"),
        None => format!("valid: {list}"),
    };
    Error::new(kind, format!("unknown {what} `{name}`")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slip_of_the_fingers_names_the_nearest() {
        assert_eq!(nearest("isues", ["issues", "users"]), Some("issues"));
        assert_eq!(nearest("zzz", ["issues", "users"]), None);
        let error = unknown_name(ErrorKind::Configuration, "table", "isues", ["users", "issues"]);
        assert_eq!(error.message(), "unknown table `isues`");
        assert_eq!(error.hint(), Some("did you mean `issues`? valid: `issues`, `users`"));
    }
}
