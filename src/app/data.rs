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
}

impl<D> Default for DataStore<D> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<D> DataStore<D> {
    /// Keeps a value; its key.
    pub(crate) fn insert(&mut self, value: D) -> DataKey {
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
        let value = self.values.get_mut(key as usize).and_then(Option::as_mut);
        value.expect("an open session has its data")
    }

    /// Takes the value of a session that is over.
    ///
    /// # Panics
    /// As [`DataStore::at`].
    pub(crate) fn remove(&mut self, key: DataKey) -> D {
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
    fn sessions_without_data_cost_a_byte() {
        assert_eq!(size_of::<Option<()>>(), 1);
    }
}
