//! A file that is written part after part, and appears when it is complete.

use super::{absolute, back_off::BackOff, of};
use hdfs_native::{Client, HdfsError, file::FileWriter};
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart, path::Path};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Parts that wait for the one that is written.
const PARTS_WAITING: usize = 1024;

type Done = oneshot::Sender<hdfs_native::Result<()>>;

enum Order {
    Write(PutPayload, Done),
    Close(Done),
}

/// Parts are written in the order in which they were put, whatever order they are waited for in.
pub(super) struct Upload {
    client: Client,
    aside: String,
    location: Path,
    orders: mpsc::Sender<Order>,
}

impl Upload {
    pub(super) fn start(
        client: Client,
        back_off: Arc<BackOff>,
        file: FileWriter,
        aside: String,
        location: Path,
    ) -> Self {
        let (orders, taken) = mpsc::channel(PARTS_WAITING);
        tokio::spawn(write(file, back_off, taken));
        Upload { client, aside, location, orders }
    }
}

async fn write(mut file: FileWriter, back_off: Arc<BackOff>, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        // Who does not wait for an answer learns of a failure from the next: a file that failed once is lost.
        match order {
            Order::Write(payload, done) => {
                let mut written = Ok(());
                for bytes in payload {
                    written = Box::pin(file.write_bytes(bytes)).await.map(|_| ());
                    if written.is_err() {
                        back_off.failed();
                        break;
                    }
                }
                drop(done.send(written));
            }
            Order::Close(done) => {
                let closed = Box::pin(file.close()).await;
                match closed {
                    Ok(()) => back_off.went_well(),
                    Err(_) => back_off.failed(),
                }
                drop(done.send(closed));
            }
        }
    }
}

fn gone() -> HdfsError {
    HdfsError::OperationFailed("the file is no longer written".to_owned())
}

#[async_trait::async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let (done, is_done) = oneshot::channel();
        let ordered = self.orders.try_send(Order::Write(payload, done));
        let location = self.location.clone();
        Box::pin(async move {
            ordered.map_err(|_| of(&location, gone()))?;
            is_done.await.unwrap_or_else(|_| Err(gone())).map_err(|error| of(&location, error))
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fail = |error| of(&self.location, error);
        let (done, is_done) = oneshot::channel();
        self.orders.send(Order::Close(done)).await.map_err(|_| fail(gone()))?;
        is_done.await.unwrap_or_else(|_| Err(gone())).map_err(fail)?;
        let target = absolute(&self.location);
        self.client.rename(&self.aside, &target, true).await.map_err(fail)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let deleted = self.client.delete(&self.aside, false).await;
        deleted.map(|_| ()).map_err(|error| of(&self.location, error))
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("location", &self.location)
            .field("aside", &self.aside)
            .finish_non_exhaustive()
    }
}
