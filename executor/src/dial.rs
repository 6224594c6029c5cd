//! Connections to other processes of the cluster.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// Connects to the first address of `HOST:PORT` that answers within `connect`; reads and writes wait no longer than `read`
/// and `write`.
pub(crate) fn connect(
    address: &str,
    connect: Duration,
    read: Duration,
    write: Duration,
) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, connect) {
            Ok(connection) => {
                connection.set_nodelay(true)?;
                connection.set_read_timeout(Some(read))?;
                connection.set_write_timeout(Some(write))?;
                return Ok(connection);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
