// SPDX-License-Identifier: Apache-2.0
//! The order in which an object is read: its data in aligned pieces, its holes as they are.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use scurry_store::{StoreError, StoreReader};
use scurry_types::{Extent, ExtentKind};
use tokio_util::task::AbortOnDropHandle;

use super::walk::extents;
use crate::piece::Part;
use crate::{MemoryBudget, Reservation};

/// Extents are asked for this many bytes of image at a time, which bounds their number.
const WINDOW: u64 = 1 << 30;
/// Reads under way at a time.
const READS: usize = 4;

/// A stretch to move at once: a hole of any length, or data with its share of the budget.
struct Stretch {
    extent: Extent,
    share: Option<Reservation>,
}

/// All parts of the object front to back, several being read at a time.
///
/// The budget is asked in the order of the parts, before the read: the part everything waits for never
/// stands behind later ones that hold what it needs.
pub(crate) fn parts(
    source: &Arc<dyn StoreReader>,
    budget: &MemoryBudget,
) -> impl Stream<Item = Result<Part, StoreError>> + Send {
    let (source, budget) = (Arc::clone(source), budget.clone());
    let len = source.len();
    let piece = budget.piece_len() as u64;
    let windows = (0..len.div_ceil(WINDOW)).map(move |index| index * WINDOW..len.min((index + 1) * WINDOW));
    let asking = Arc::clone(&source);
    stream::iter(windows)
        .then(move |window| {
            let source = Arc::clone(&asking);
            async move { extents(source.as_ref(), window).await }
        })
        .map_ok(move |extents| {
            stream::iter(extents.into_iter().flat_map(move |extent| split(extent, piece)).map(Ok))
        })
        .try_flatten()
        .and_then(move |extent| {
            let budget = budget.clone();
            async move {
                let share = match extent.kind {
                    ExtentKind::Data => {
                        Some(budget.reserve(usize::try_from(extent.len).unwrap_or(usize::MAX)).await)
                    }
                    ExtentKind::Zero => None,
                };
                Ok(Stretch { extent, share })
            }
        })
        .map_ok(move |stretch| read(Arc::clone(&source), stretch))
        .try_buffered(READS)
}

/// Cuts data at multiples of `piece` bytes; holes stay whole.
fn split(extent: Extent, piece: u64) -> impl Iterator<Item = Extent> + Send {
    let mut at = extent.offset;
    std::iter::from_fn(move || {
        let left = extent.end() - at;
        let len = match extent.kind {
            ExtentKind::Data => left.min(piece - at % piece),
            ExtentKind::Zero => left,
        };
        let offset = at;
        at += len;
        (len > 0).then_some(Extent { offset, len, kind: extent.kind })
    })
}

/// Reads on a task of its own, so that it goes on while nobody polls the stream.
async fn read(source: Arc<dyn StoreReader>, stretch: Stretch) -> Result<Part, StoreError> {
    let Stretch { extent: Extent { offset, len, .. }, share } = stretch;
    let Some(share) = share else {
        return Ok(Part::Zero { offset, len });
    };
    let wanted = usize::try_from(len).unwrap_or(usize::MAX);
    let task = tokio::spawn(async move {
        let data = source.read_at(offset, wanted).await?;
        Ok(Part::data(offset, data, share))
    });
    match AbortOnDropHandle::new(task).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels the task, and it polls nobody again.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}
