//! Connections that have not said yet what they want.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::limits::WAITING_MAX;

/// How soon is looked again whether any is left.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Those connections, the oldest first. One more than [`WAITING_MAX`], and the oldest is told to go: so whoever
/// opens connections and says nothing keeps nobody else out.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queue: Arc<Mutex<VecDeque<Arc<Notify>>>>,
}

/// A connection's place among them. Given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Waiting,
    told_to_go: Arc<Notify>,
}

impl Waiting {
    pub(super) fn enter(&self) -> Place {
        let told_to_go = Arc::new(Notify::new());
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= WAITING_MAX
            && let Some(oldest) = queue.pop_front()
        {
            oldest.notify_one();
        }
        queue.push_back(Arc::clone(&told_to_go));
        Place { waiting: self.clone(), told_to_go }
    }

    /// Returns when all have said what they want, or are gone.
    pub(super) async fn none_left(&self) {
        while !self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Place {
    /// Returns when the connection has to go.
    pub(super) async fn told_to_go(&self) {
        self.told_to_go.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.waiting.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.retain(|other| !Arc::ptr_eq(other, &self.told_to_go));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_goes_when_one_too_many_comes_and_none_before() {
        let waiting = Waiting::default();
        let mut places: Vec<Place> = (0..WAITING_MAX).map(|_| waiting.enter()).collect();
        let told = async |place: &Place| {
            tokio::time::timeout(Duration::from_millis(20), place.told_to_go()).await.is_ok()
        };
        assert!(!told(&places[0]).await);
        let one_more = waiting.enter();
        assert!(told(&places[0]).await);
        assert!(!told(&places[1]).await);
        places.clear();
        let _another = waiting.enter();
        assert!(!told(&one_more).await);
    }
    #[tokio::test]
    async fn it_is_told_when_none_is_left() {
        let waiting = Waiting::default();
        waiting.none_left().await;
        let place = waiting.enter();
        let told =
            async || tokio::time::timeout(Duration::from_millis(50), waiting.none_left()).await.is_ok();
        assert!(!told().await);
        drop(place);
        waiting.none_left().await;
    }
}
