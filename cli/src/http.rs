//! One question over plain HTTP, as a master's and an agent's port answer it.

use anyhow::{Context, Result, anyhow, bail};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A side that says nothing for so long is gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// An answer, whose body is read until the other side closes the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where a part of a log begins in it.
    pub(crate) offset: Option<u64>,
    pub(crate) body: BufReader<TcpStream>,
}

/// Asks `address` for `path`. A body that is awaited for long (`is_patient`) may come at any time.
pub(crate) fn get(address: &str, path: &str, is_patient: bool) -> Result<Answer> {
    let unreachable = || format!("nobody answers at {address}");
    let all: Vec<_> =
        address.to_socket_addrs().with_context(|| format!("there is no host {address}"))?.collect();
    let mut stream = Err(anyhow!("{address} has no address"));
    for one in all {
        stream = TcpStream::connect_timeout(&one, CONNECT_WITHIN).with_context(unreachable);
        if stream.is_ok() {
            break;
        }
    }
    let mut stream = stream?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    // HTTP/1.0: the body ends where the connection does.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")
        .with_context(|| format!("{address} breaks the connection off"))?;
    let no_http = || format!("what answers at {address} does not speak HTTP");
    let mut body = BufReader::new(stream);
    let mut head = (&mut body).take(HEAD_BYTES_MAX);
    let mut line = String::new();
    head.read_line(&mut line).with_context(no_http)?;
    let mut words = line.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/1."));
    let status = words.next().and_then(|status| status.parse().ok()).filter(|_| is_http);
    let status = status.ok_or_else(|| anyhow!(no_http()))?;
    let mut offset = None;
    loop {
        line.clear();
        if head.read_line(&mut line).with_context(no_http)? == 0 {
            bail!(no_http());
        }
        if line.trim_end().is_empty() {
            break;
        }
        let field = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("x-rsk-offset"));
        offset = field.and_then(|(_, value)| value.trim().parse().ok()).or(offset);
    }
    if is_patient {
        body.get_ref().set_read_timeout(None)?;
    }
    Ok(Answer { status, offset, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, thread};

    fn answer(bytes: &'static [u8]) -> Result<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = BufReader::new(stream.try_clone().unwrap()).lines();
            while !question.next().unwrap().unwrap().is_empty() {}
            stream.write_all(bytes).unwrap();
        });
        let answer = get(&address, "/state", false).and_then(|mut answer| {
            let mut text = String::new();
            answer.body.read_to_string(&mut text)?;
            Ok((answer.status, text))
        });
        server.join().unwrap();
        answer
    }

    #[test]
    fn answers_are_taken_apart_and_nonsense_is_named() {
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello\n").unwrap(), (200, "hello\n".to_owned()));
        for wrong in [&b""[..], b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nx: y\r\n", &[0xff; 100]] {
            assert!(answer(wrong).unwrap_err().to_string().contains("does not speak HTTP"));
        }
    }
}
