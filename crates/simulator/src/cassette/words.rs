//! What the name of a field says of its value: whether it is personal, or free text.

/// Words that say that a value is about a person.
const PERSONAL: &[&str] = &[
    "email",
    "emails",
    "mail",
    "phone",
    "phones",
    "mobile",
    "telephone",
    "fax",
    "firstname",
    "lastname",
    "surname",
    "fullname",
    "username",
    "nickname",
    "login",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "ssn",
    "street",
    "address",
    "addresses",
    "zip",
    "postcode",
    "postal",
    "latitude",
    "longitude",
    "lat",
    "lng",
    "ip",
    "gravatar",
    "avatar",
    "fingerprint",
    "iban",
    "last4",
];

/// Words that make the word `name` beside them the name of a person.
const WHOSE_NAME: &[&str] = &[
    "first",
    "last",
    "middle",
    "given",
    "family",
    "full",
    "user",
    "author",
    "owner",
    "sender",
    "contact",
    "customer",
    "billing",
    "shipping",
    "preferred",
    "maiden",
];

/// Fields that say that the object around them is a person.
const OF_A_PERSON: &[&str] =
    &["email", "login", "firstname", "lastname", "phone", "username", "avatar", "gravatar", "birthday", "surname"];

/// Names that are personal in an object that is a person.
const IN_A_PERSON: &[&str] = &["name", "display", "real", "bio", "company", "location", "alias", "details", "notes"];

/// Words that say that a value is text that somebody wrote.
const FREE_TEXT: &[&str] = &[
    "body",
    "description",
    "content",
    "comment",
    "comments",
    "message",
    "html",
    "text",
    "note",
    "notes",
    "subject",
    "title",
    "summary",
    "bio",
    "snippet",
    "preview",
    "excerpt",
    "answer",
    "memo",
    "reason",
];

/// The words of a name, in lower case: `avatarUrl` and `avatar_url` have two.
pub(super) fn words(name: &str) -> Vec<String> {
    crate::vocabulary::words_of(name)
}

/// Whether a field of this name holds something about a person.
pub(super) fn is_personal(name: &str) -> bool {
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    has(PERSONAL) || (words.iter().any(|word| word == "name") && has(WHOSE_NAME))
}

/// Whether a field of this name says that its object is a person.
pub(super) fn shows_person(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| OF_A_PERSON.contains(&word.as_str())) || words.concat() == "firstname"
}

/// Whether a field of this name is personal in an object that is a person.
pub(super) fn is_personal_in_person(name: &str) -> bool {
    words(name).iter().any(|word| IN_A_PERSON.contains(&word.as_str()))
}

/// Whether a field of this name, or a text of this shape, is something that somebody wrote.
pub(super) fn is_free_text(name: &str, value: &str) -> bool {
    let prose = value.len() >= 60 && value.split_whitespace().count() > 5;
    prose || words(name).last().is_some_and(|word| FREE_TEXT.contains(&word.as_str()))
}

/// Replaces a value wherever it stands as a word of its own.
pub(super) fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (start, _) in text.match_indices(word) {
        let (before, behind) = (&text[..start], &text[start + word.len()..]);
        if is_edge(before.chars().next_back()) && is_edge(behind.chars().next()) {
            out.push_str(&text[end..start]);
            out.push_str(by);
            end = start + word.len();
        }
    }
    out.push_str(&text[end..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_personal_fields_are_recognised_in_every_spelling() {
        for name in ["email", "contactEmail", "first_name", "userName", "billing_address", "ipAddress", "avatar_url"] {
            assert!(is_personal(name), "{name}");
        }
        for name in ["name", "file_name", "id", "zipped", "description", "shipping_method"] {
            assert!(!is_personal(name), "{name}");
        }
    }
}
