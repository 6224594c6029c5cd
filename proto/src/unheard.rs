//! Connections that have not said yet what they want.

use std::{
    collections::BTreeMap,
    io,
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

/// A bound on connections that say nothing: those who mean it speak at once, so where there are too many, the one that has
/// been silent for longest is cut off.
///
/// ```
/// # use rsk_proto::Unheard;
/// # use std::{io::Read, net::{TcpListener, TcpStream}};
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let unheard = Unheard::new(1);
/// let mut silent = TcpStream::connect(listener.local_addr()?)?;
/// let first = unheard.add(&listener.accept()?.0)?;
/// let _other = TcpStream::connect(listener.local_addr()?)?;
/// let second = unheard.add(&listener.accept()?.0)?; // to be dropped when it has said what it wants
/// assert_eq!(silent.read(&mut [0])?, 0, "it is cut off");
/// # drop((first, second));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Unheard {
    max: usize,
    all: Mutex<(u64, BTreeMap<u64, TcpStream>)>,
}

/// A connection that has said nothing yet. To be dropped when it has.
#[derive(Debug)]
pub struct Silent {
    unheard: Arc<Unheard>,
    number: u64,
}

impl Unheard {
    /// So many at a time.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Unheard { max: max.max(1), all: Mutex::default() })
    }

    /// One more.
    ///
    /// Errors: no file is left to remember it by.
    pub fn add(self: &Arc<Self>, stream: &TcpStream) -> io::Result<Silent> {
        let own = stream.try_clone()?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.1.len() >= self.max
            && let Some((_, oldest)) = all.1.pop_first()
        {
            // One that has gone by itself is as good.
            drop(oldest.shutdown(Shutdown::Both));
        }
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, own);
        Ok(Silent { unheard: Arc::clone(self), number })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.unheard.all.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read, net::TcpListener};

    #[test]
    fn only_the_one_that_is_silent_for_longest_is_cut_off_and_who_has_spoken_never() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let unheard = Unheard::new(2);
        let connect = || {
            let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            ours.set_nonblocking(true).unwrap();
            let theirs = listener.accept().unwrap().0;
            let silent = unheard.add(&theirs).unwrap();
            (ours, theirs, silent)
        };
        let is_open = |mut stream: &TcpStream| {
            stream.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        let (speaker, _theirs, heard) = connect();
        drop(heard);
        let all = [connect(), connect(), connect(), connect()];
        assert_eq!(all.each_ref().map(|(ours, ..)| is_open(ours)), [false, false, true, true]);
        assert!(is_open(&speaker));
        drop(all);
        assert!(unheard.all.lock().unwrap().1.is_empty());
    }
}
