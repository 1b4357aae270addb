//! The keys of objects: which field each belongs to, and which key probably follows.

use std::collections::HashMap;

use crate::records::page::is_same_key;

/// Most keys beside the declared ones that are remembered.
const MAX_UNDECLARED: usize = 1_000;

/// Text that no key of a page has, since control characters are escaped there.
const NO_KEY: &str = "\0";

/// The keys that objects of one type have had. The declared ones come first, by the number of their field.
///
/// Each key remembers which one followed it last. Sources write their keys in a stable order, so nearly every key is
/// found with one comparison.
pub(super) struct Keys {
    known: Vec<Key>,
    by_name: HashMap<Box<str>, usize>,
    /// The place in `known` of what stands for the beginning of an object.
    beginning: usize,
}

struct Key {
    name: Box<str>,
    follower: usize,
}

/// What a key that was not expected turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Known(usize),
    /// Undeclared, and met for the first time.
    New(usize),
    /// Undeclared, and one more than is remembered.
    Forgotten,
}

impl Keys {
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut keys = Self { known: Vec::new(), by_name: HashMap::new(), beginning: 0 };
        for name in names {
            keys.remember(name);
        }
        keys.beginning = keys.known.len();
        keys.known.push(Key { name: NO_KEY.into(), follower: 0 });
        keys
    }

    /// What stands for the key before the first one; higher numbers are those of undeclared keys.
    pub(super) fn beginning(&self) -> usize {
        self.beginning
    }

    /// The number of this key, if it is the one that followed `previous` last.
    #[inline]
    pub(super) fn expected(&self, previous: usize, name: &str) -> Option<usize> {
        let follower = self.known[previous].follower;
        is_same_key(&self.known[follower].name, name).then_some(follower)
    }

    /// Finds a key that is not the expected one, and expects it the next time.
    #[cold]
    pub(super) fn find(&mut self, previous: usize, name: &str) -> Found {
        let found = match self.by_name.get(name) {
            Some(number) => Found::Known(*number),
            None if self.known.len() - self.beginning > MAX_UNDECLARED => return Found::Forgotten,
            None => Found::New(self.remember(name)),
        };
        if let Found::Known(number) | Found::New(number) = found {
            self.known[previous].follower = number;
        }
        found
    }

    fn remember(&mut self, name: &str) -> usize {
        let number = self.known.len();
        let follower = if self.beginning == 0 { number + 1 } else { self.beginning };
        self.known.push(Key { name: name.into(), follower });
        self.by_name.insert(name.into(), number);
        number
    }
}
