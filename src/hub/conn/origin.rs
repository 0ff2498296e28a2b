//! Where a connection comes from, beside its address: facts of one bit each.

/// Facts of where a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin(u8);

impl Origin {
    /// Its proxy has not said yet who it is.
    pub(crate) const AWAITED: u8 = 1;
    /// It is counted at its address.
    pub(crate) const COUNTED: u8 = 1 << 1;
    /// A trusted proxy says that its last request came by https, or ...
    const HTTPS: u8 = 1 << 2;
    /// ... by http.
    const HTTP: u8 = 1 << 3;

    pub(crate) fn has(self, fact: u8) -> bool {
        self.0 & fact != 0
    }

    pub(crate) fn set(&mut self, fact: u8) {
        self.0 |= fact;
    }

    pub(crate) fn clear(&mut self, fact: u8) {
        self.0 &= !fact;
    }

    /// What a trusted proxy says: by https, by http, or nothing.
    pub(crate) fn set_scheme(&mut self, is_https: Option<bool>) {
        self.clear(Self::HTTPS | Self::HTTP);
        match is_https {
            Some(true) => self.set(Self::HTTPS),
            Some(false) => self.set(Self::HTTP),
            None => {}
        }
    }

    pub(crate) fn scheme(self) -> Option<bool> {
        (self.has(Self::HTTPS) || self.has(Self::HTTP)).then(|| self.has(Self::HTTPS))
    }
}
