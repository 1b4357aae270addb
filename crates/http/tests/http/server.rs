//! A small HTTP/1.1 server whose replies may break at any byte, and clients that are in a hurry.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lakeflow_http::{Client, ClientSettings, RateLimit, RetrySettings, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    head: String,
    pub(crate) body: String,
}

impl Seen {
    /// A header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A query parameter, as it was written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.target.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Everything, as a careless server would show it.
    pub(crate) fn echo(&self) -> String {
        format!("{} {} {} {}", self.method, self.target, self.head, self.body)
    }
}

/// What becomes of the connection after a reply.
#[derive(Clone, Copy)]
enum Ending {
    Close,
    Reset,
    Stall,
    Repeat,
}

/// A reply, whole or broken.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    is_chunked: bool,
    sent: Option<usize>,
    ending: Ending,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { status, headers, body, is_chunked: false, sent: None, ending: Ending::Close }
    }

    pub(crate) fn json(text: impl Into<Vec<u8>>) -> Self {
        Self::status(200).header("content-type", "application/json").body(text)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// Sends so much of the body only, and closes.
    pub(crate) fn cut_at(mut self, bytes: usize) -> Self {
        self.sent = Some(bytes);
        self
    }

    /// Sends so much of the body only, and resets the connection.
    pub(crate) fn reset_at(self, bytes: usize) -> Self {
        Self { ending: Ending::Reset, ..self.cut_at(bytes) }
    }

    /// Sends so much of the body only, and then nothing.
    pub(crate) fn stalled_at(self, bytes: usize) -> Self {
        Self { ending: Ending::Stall, ..self.cut_at(bytes) }
    }

    /// Sends the body again and again.
    pub(crate) fn endless(self) -> Self {
        Self { ending: Ending::Repeat, is_chunked: true, ..self }
    }

    async fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.is_chunked {
            true => head.push_str("transfer-encoding: chunked\r\n\r\n"),
            false => head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len())),
        }
        stream.write_all(head.as_bytes()).await?;
        let body = &self.body[..self.sent.unwrap_or(self.body.len())];
        self.write_body(stream, body).await?;
        if matches!(self.ending, Ending::Repeat) {
            loop {
                self.write_body(stream, body).await?;
            }
        }
        if self.is_chunked && self.sent.is_none() {
            stream.write_all(b"0\r\n\r\n").await?;
        }
        stream.flush().await
    }

    async fn write_body(&self, stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
        if !self.is_chunked {
            return stream.write_all(body).await;
        }
        stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await?;
        stream.write_all(body).await?;
        stream.write_all(b"\r\n").await
    }
}

/// A server that asks a function for each reply; the function gets the number of the request, from 0.
pub(crate) struct Server {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, requests) = (Arc::new(answer), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), requests.clone()));
            }
        });
        Self { url, seen }
    }

    /// Gives these replies in turn, and the last one from then on.
    pub(crate) async fn with_replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::start(move |number, _| replies[number.min(replies.len() - 1)].clone()).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The settings of a client of this server that does not wait long for anything.
    pub(crate) fn settings(&self) -> ClientSettings {
        hasty(self.url.clone())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.settings()).unwrap()
    }
}

/// Settings with short pauses.
pub(crate) fn hasty(base_url: Url) -> ClientSettings {
    let (first_delay, longest_delay) = (Duration::from_millis(1), Duration::from_millis(5));
    let mut settings = ClientSettings::new(base_url);
    settings.retry = RetrySettings { first_delay, longest_delay, ..RetrySettings::default() };
    settings.rate_limit = RateLimit { default_pause: Duration::from_millis(20), ..RateLimit::default() };
    settings
}

async fn serve<F: Fn(usize, &Seen) -> Reply>(mut stream: TcpStream, answer: Arc<F>, requests: Arc<Mutex<Vec<Seen>>>) {
    let Some(seen) = read_request(&mut stream).await else { return };
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(seen.clone());
        requests.len() - 1
    };
    let reply = answer(number, &seen);
    if reply.write(&mut stream).await.is_err() {
        return;
    }
    match reply.ending {
        Ending::Close | Ending::Repeat => drop(stream.shutdown().await),
        Ending::Reset => stream.set_zero_linger().unwrap(),
        Ending::Stall => std::future::pending().await,
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(position) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break position;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut first = head.lines().next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut seen = Seen { method, target, head, body: String::new() };
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(seen)
}
