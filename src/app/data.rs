//! The data that a handler keeps for each of its sessions.
//!
//! A slab of the typed values, without the word that a general slab spends on each entry: most
//! programs keep little, and many keep nothing at all.

/// Where a session's data lie in its route.
pub(crate) type DataKey = u32;

/// Values by key; a key that was removed is given to the next value.
#[derive(Debug)]
pub(crate) struct DataStore<D> {
    values: Vec<Option<D>>,
    free: Vec<DataKey>,
    /// In place of the others where values take no memory: one is as good as any other.
    alike: Vec<D>,
}

impl<D> Default for DataStore<D> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
            alike: Vec::new(),
        }
    }
}

impl<D> DataStore<D> {
    const IS_EMPTY: bool = size_of::<D>() == 0;

    /// Keeps a value; its key.
    pub(crate) fn insert(&mut self, value: D) -> DataKey {
        if Self::IS_EMPTY {
            self.alike.push(value);
            return 0;
        }
        if let Some(key) = self.free.pop() {
            self.values[key as usize] = Some(value);
            return key;
        }
        self.values.push(Some(value));
        (self.values.len() - 1) as DataKey
    }

    /// The value of a session that is open.
    ///
    /// # Panics
    /// When there is none: the hub has called a route for a session that it never opened.
    #[inline]
    pub(crate) fn at(&mut self, key: DataKey) -> &mut D {
        let value = if Self::IS_EMPTY {
            self.alike.last_mut()
        } else {
            self.values.get_mut(key as usize).and_then(Option::as_mut)
        };
        value.expect("an open session has its data")
    }

    /// Takes the value of a session that is over.
    ///
    /// # Panics
    /// As [`DataStore::at`].
    pub(crate) fn remove(&mut self, key: DataKey) -> D {
        if Self::IS_EMPTY {
            return self.alike.pop().expect("an open session has its data");
        }
        let value = self.values.get_mut(key as usize).and_then(Option::take);
        self.free.push(key);
        if self.free.len() == self.values.len() {
            // A crowd that is gone leaves nothing behind.
            *self = Self::default();
        }
        value.expect("an open session has its data")
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_free_is_used_again() {
        let mut store = DataStore::default();
        let keys: Vec<_> = ["a", "b", "c"].map(|value| store.insert(value)).into();
        assert_eq!(store.remove(keys[1]), "b");
        assert_eq!(store.insert("d"), keys[1]);
        assert_eq!((*store.at(keys[0]), *store.at(keys[1])), ("a", "d"));
        assert_eq!(store.len(), 3);
    }

    #[test]
    fn a_crowd_that_is_gone_leaves_nothing_behind() {
        let mut store = DataStore::default();
        let keys: Vec<_> = (0..100).map(|value| store.insert(value)).collect();
        for key in keys {
            store.remove(key);
        }
        assert_eq!(store.len(), 0);
        assert_eq!(store.insert(7), 0);
    }

    #[test]
    fn sessions_without_data_cost_nothing_and_each_value_is_dropped_once() {
        struct Empty;
        thread_local!(static DROPPED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
        impl Drop for Empty {
            fn drop(&mut self) {
                DROPPED.set(DROPPED.get() + 1);
            }
        }
        let mut store = DataStore::default();
        let keys: Vec<_> = (0..100).map(|_| store.insert(Empty)).collect();
        assert_eq!((store.len(), store.free.capacity()), (0, 0));
        for key in &keys[..40] {
            let _: &mut Empty = store.at(*key);
            drop(store.remove(*key));
        }
        assert_eq!(DROPPED.get(), 40);
        drop(store);
        assert_eq!(DROPPED.get(), 100);
    }
}
