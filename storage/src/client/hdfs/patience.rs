//! Waits for a NameNode that has just been started.

use hdfs_native::{HdfsError, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A NameNode that was started leaves its safe mode half a minute after it has heard of its blocks.
const WITHIN: Duration = Duration::from_secs(90);
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Asks again while the NameNode says that it cannot answer yet.
pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    let until = Instant::now() + WITHIN;
    let mut pause = PAUSE_FIRST;
    loop {
        match ask().await {
            Err(error) if is_passing(&error) && Instant::now() + pause < until => {
                tracing::info!(%error, "the NameNode is asked again");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            answer => return answer,
        }
    }
}

/// Will the same question be answered in a while?
fn is_passing(error: &HdfsError) -> bool {
    let (HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message)) = error else {
        return false;
    };
    let says = |word: &str| class.contains(word) || message.contains(word);
    says("SafeModeException") || says("RetriableException")
}
