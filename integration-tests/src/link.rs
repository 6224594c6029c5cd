//! A way to a server that can be cut: nothing comes through either way then, and nobody is told.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a way is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Passes connections on to one address.
///
/// ```
/// use integration_tests::Link;
/// use std::{io::{Read, Write}, net::{TcpListener, TcpStream}};
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let link = Link::to(&server.local_addr()?.to_string());
/// let mut client = TcpStream::connect(link.address())?;
/// let (mut served, _) = server.accept()?;
/// link.cut();
/// client.write_all(b"?")?;
/// served.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
/// assert!(served.read(&mut [0]).is_err());
/// link.mend();
/// served.set_read_timeout(None)?;
/// assert_eq!(served.read(&mut [0])?, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Link {
    address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    to: String,
    is_cut: AtomicBool,
    is_over: AtomicBool,
}

impl Link {
    /// A way that is open.
    pub fn to(address: &str) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let state = State { to: address.to_owned(), is_cut: false.into(), is_over: false.into() };
        let state = Arc::new(state);
        let listens = Arc::clone(&state);
        thread::spawn(move || listens.listen(&listener));
        Link { address: own, state }
    }

    /// Who dials this is passed on.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Nothing comes through from now on.
    pub fn cut(&self) {
        self.state.is_cut.store(true, Ordering::Relaxed);
    }

    /// What was on its way comes through, and all else.
    pub fn mend(&self) {
        self.state.is_cut.store(false, Ordering::Relaxed);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        // The listener looks when somebody dials.
        drop(TcpStream::connect(&self.address));
    }
}

impl State {
    fn listen(self: Arc<Self>, listener: &TcpListener) {
        for from in listener.incoming() {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let (Ok(from), state) = (from, Arc::clone(&self)) else { continue };
            // One whose server is not there breaks, as it would without a link.
            thread::spawn(move || state.pass(from));
        }
    }

    fn pass(self: Arc<Self>, from: TcpStream) -> io::Result<()> {
        self.wait();
        let to = TcpStream::connect(&self.to)?;
        let (back_from, back_to) = (to.try_clone()?, from.try_clone()?);
        let back = Arc::clone(&self);
        thread::spawn(move || back.pump(back_from, back_to));
        self.pump(from, to)
    }

    /// What comes from one goes to the other.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
        let mut bytes = [0; 4096];
        let outcome = loop {
            match from.read(&mut bytes) {
                Ok(0) | Err(_) => break Ok(()),
                Ok(count) => {
                    self.wait();
                    if let Err(error) = to.write_all(&bytes[..count]) {
                        break Err(error);
                    }
                }
            }
        };
        self.wait();
        from.shutdown(Shutdown::Both).and(to.shutdown(Shutdown::Both)).and(outcome)
    }

    /// Until nothing is cut any more.
    fn wait(&self) {
        while self.is_cut.load(Ordering::Relaxed) && !self.is_over.load(Ordering::Relaxed) {
            thread::sleep(LOOK_EVERY);
        }
    }
}
