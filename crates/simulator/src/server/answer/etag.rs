//! Entity tags: an answer that the client has already is not sent again.

use bytes::Bytes;
use http::HeaderMap;

use super::Answer;
use crate::random::mix;

/// The answer with its tag; without its body where the client has it.
pub(super) fn with_etag(answer: Answer, asked: &HeaderMap) -> Answer {
    let hash = answer.body.chunks(8).fold(answer.body.len() as u64, |hash, chunk| {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        mix(hash, word)
    });
    let etag = format!("W/\"{hash:016x}\"");
    let matched = asked
        .get_all(http::header::IF_NONE_MATCH)
        .iter()
        .any(|header| header.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim() == etag)));
    let mut answer = if matched { Answer { status: 304, body: Bytes::new(), ..answer } } else { answer };
    answer.headers.push(("etag".to_owned(), etag));
    answer
}
