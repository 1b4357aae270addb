//! Pagination: how a source splits a list into pages, and the stream that walks through them.
//!
//! A [`Pagination`] says how the address of a page follows from the page before it. Where a page tells how many there
//! are (a `last` link, a total), the addresses of all are known, and [`pages`] fetches several at a time.

mod following;
mod link_header;
mod place;
mod reader;

pub use following::PagesAhead;
pub use place::{Place, Target};
pub use reader::{FetchedPage, PageStream, pages};

/// How the address of a page follows from the page before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pagination {
    /// There is one page.
    #[default]
    None,
    /// The `Link` header of a page names the next one; where it also names the last, by number, the pages between are
    /// known.
    LinkHeader {
        /// The relation of the next page, mostly `next`.
        rel: String,
    },
    /// Pages have numbers.
    PageNumber {
        /// Where the number goes.
        into: Target,
        /// The number of the first page.
        first: u64,
        /// Where a page says how many there are; without it and `signal`, a page with fewer records than fit is the last.
        total: Option<Total>,
        /// Where a page says how many records fit, which may be fewer than were asked for.
        size: Option<Place>,
        /// What says whether there is another page.
        signal: Option<Signal>,
        /// Further values of a page that the request for the next one carries.
        carry: Vec<(Place, Target)>,
    },
    /// Pages begin at a number of records.
    Offset {
        /// Where the number goes.
        into: Target,
        /// The offset of the first record.
        first: u64,
        /// Where a page says how many there are; without it and `signal`, a page with fewer records than fit is the last.
        total: Option<Total>,
        /// Where a page says how many records fit, which may be fewer than were asked for.
        size: Option<Place>,
        /// What says whether there is another page.
        signal: Option<Signal>,
    },
    /// A page gives a value that the request for the next one carries.
    Cursor {
        /// Where a page has the value; nothing there, or `null`, or an empty text ends the list.
        from: Place,
        /// Where the value goes.
        into: Target,
        /// What else says whether there is another page.
        signal: Option<Signal>,
    },
    /// A page gives the address of the next one, whole or relative; nothing there, or `null`, ends the list.
    NextUrl {
        /// Where the address is.
        from: Place,
        /// What else says whether there is another page.
        signal: Option<Signal>,
    },
    /// The request for the next page carries a field of the last record of this one.
    LastRecord {
        /// The path of the field within a record.
        field: Vec<String>,
        /// Where the value goes.
        into: Target,
        /// What says whether there is another page; without it, a page with fewer records than fit is the last.
        signal: Option<Signal>,
    },
}

impl Pagination {
    /// Whether a page says how long the list is: then the first page shows how many records fit in one.
    fn has_total(&self) -> bool {
        matches!(self, Self::PageNumber { total: Some(_), .. } | Self::Offset { total: Some(_), .. })
    }
}

/// A number that says how long a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// The number of pages.
    Pages(Place),
    /// The number of records.
    Records(Place),
}

/// A boolean that says whether there is another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// True where there is another page.
    More(Place),
    /// True where there is none.
    End(Place),
}

/// How a list is read.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// How its pages follow each other.
    pub pagination: Pagination,
    /// The path of the array of records within a page; empty where the page is that array.
    pub records: Vec<String>,
    /// How many records fit in a page; a page with fewer is the last, where nothing else says so.
    pub page_size: Option<u64>,
    /// How many pages are fetched ahead of the caller, and held until it takes them: 1 fetches a page only when it is
    /// asked for. `None` takes the client's concurrency.
    pub read_ahead: Option<usize>,
    /// More pages than this are an error: the source repeats itself without end.
    pub most_pages: u64,
}

impl PageSettings {
    /// Settings for pages that are arrays of records.
    pub fn new(pagination: Pagination) -> Self {
        Self { pagination, records: Vec::new(), page_size: None, read_ahead: None, most_pages: 1_000_000 }
    }
}
