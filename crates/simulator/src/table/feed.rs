//! Feeds: corpora whose rows tell what happens to the rows of others.

use lakeflow_interface::Result;

use crate::definition::{CorpusFile, FeedLabels, unknown};

/// The corpora that a feed tells of.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) sources: Vec<FeedSource>,
}

/// One corpus that a feed tells of.
#[derive(Clone, Debug)]
pub(crate) struct FeedSource {
    pub(crate) table: usize,
    labels: FeedLabels,
}

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HappeningKind {
    Created,
    Changed,
    Deleted,
}

impl HappeningKind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Created, Self::Changed, Self::Deleted];
}

impl Feed {
    /// The feed of a corpus, where it is one.
    pub(crate) fn of(path: &str, file: &CorpusFile, names: &[String]) -> Result<Option<Self>> {
        let Some(feed) = &file.feed else { return Ok(None) };
        let sources = feed.iter().map(|(name, labels)| {
            let table = names.iter().position(|known| known == name);
            let table = table.ok_or_else(|| unknown(path, "feed", "corpus", name, names.iter().map(String::as_str)))?;
            Ok(FeedSource { table, labels: labels.clone() })
        });
        Ok(Some(Self { sources: sources.collect::<Result<_>>()? }))
    }
}

impl FeedSource {
    /// What a happening is called; one without a name is not told.
    pub(crate) fn label(&self, kind: HappeningKind) -> Option<&str> {
        let label = match kind {
            HappeningKind::Created => &self.labels.created,
            HappeningKind::Changed => &self.labels.changed,
            HappeningKind::Deleted => &self.labels.deleted,
        };
        label.as_deref()
    }
}
