//! Executors and hosts that an application does without, because tasks failed there.

use super::executor;
use crate::table::Table;
use rsk_proto::{
    ExecutorId, ExecutorKey,
    status::{ExclusionStatus, FrameworkStatus},
};

/// Each with why; nothing where there is none.
pub(crate) fn excluded(app: &FrameworkStatus, all: &[ExclusionStatus]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["EXCLUDED", "FROM", "WHY"]);
    for ExclusionStatus { stage, executor: number, host, why } in all {
        let what = match (number, host) {
            (Some(number), _) => executor(ExecutorKey { framework: app.id, executor: ExecutorId(*number) }),
            (None, Some(host)) => host.clone(),
            (None, None) => String::new(),
        };
        let from = stage.map_or_else(|| "all stages".to_owned(), |stage| format!("stage-{stage}"));
        table.row([what, from, why.clone()]);
    }
    format!("\n{}", table.print(""))
}
