//! Streams that run side by side and are handed on in their order.

use std::collections::VecDeque;

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::BoxStream;
use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Items that a stream may have ready before they are asked for.
const READY: usize = 2;

/// Runs up to `width` streams at once; gives the items of the first, then those of the second, and so on. As many are
/// looked for ahead, so that none waits for the page that makes the next ones known.
pub(super) fn side_by_side<T: Send + 'static>(
    sources: BoxStream<'static, Result<BoxStream<'static, Result<T>>>>,
    width: usize,
) -> BoxStream<'static, Result<T>> {
    let items = try_stream! {
        let mut sources = Running::start(sources, width);
        let mut running: VecDeque<Running<T>> = VecDeque::new();
        let mut has_more = true;
        loop {
            while has_more && running.len() < width {
                match sources.items.recv().await {
                    Some(source) => running.push_back(Running::start(source?, READY)),
                    None => {
                        sources.finish().await?;
                        has_more = false;
                    }
                }
            }
            let Some(mut first) = running.pop_front() else { break };
            while let Some(item) = first.items.recv().await {
                yield item?;
            }
            first.finish().await?;
        }
    };
    items.boxed()
}

/// A stream that runs by itself; dropping it stops it.
struct Running<T> {
    items: mpsc::Receiver<Result<T>>,
    task: JoinHandle<()>,
}

impl<T: Send + 'static> Running<T> {
    /// Starts a stream, of which `ready` items may wait.
    fn start(mut source: BoxStream<'static, Result<T>>, ready: usize) -> Self {
        let (sender, items) = mpsc::channel(ready.max(1));
        let task = tokio::spawn(async move {
            while let Some(item) = source.next().await {
                if sender.send(item).await.is_err() {
                    break;
                }
            }
        });
        Self { items, task }
    }

    /// A task that was stopped by a fault must not look like the end of its stream.
    async fn finish(&mut self) -> Result<()> {
        let ended = (&mut self.task).await;
        ended.map_err(|error| Error::new(ErrorKind::Internal, "part of a read stopped").with_cause(error))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::{TryStreamExt, stream};

    use super::*;

    #[tokio::test]
    async fn items_keep_the_order_of_their_streams() {
        let inner = |number: u32| Ok(stream::iter((0..5).map(move |item| Ok(number * 10 + item))).boxed());
        let items: Vec<u32> = side_by_side(stream::iter((0..7).map(inner)).boxed(), 3).try_collect().await.unwrap();
        let expected: Vec<u32> = (0..7).flat_map(|number| (0..5).map(move |item| number * 10 + item)).collect();
        assert_eq!(items, expected);
    }

    #[tokio::test]
    async fn error_of_one_stream_ends_all() {
        let failing = || Err(Error::new(ErrorKind::Unavailable, "down"));
        let inner = move |number: u32| Ok(stream::iter([if number == 1 { failing() } else { Ok(number) }]).boxed());
        let items: Vec<Result<u32>> = side_by_side(stream::iter((0..4).map(inner)).boxed(), 2).collect().await;
        assert_eq!(items.len(), 2);
        assert!(items[0].is_ok() && items[1].is_err());
    }
}
