//! An extension that a test makes of a transformation.

use dunlin::Reserved;
use dunlin::wire::extension::{Agreement, Extension, Offer, Transform};

/// Agrees to every offer of its name; each session gets a copy of the transformation.
#[derive(Debug)]
pub(crate) struct Offered<T> {
    name: &'static str,
    transform: T,
    look: fn(&Offer),
}

impl<T> Offered<T> {
    pub(crate) fn new(name: &'static str, transform: T) -> Self {
        Self {
            name,
            transform,
            look: |_| {},
        }
    }

    /// The same, and each offer is looked at like this before it is agreed to.
    pub(crate) fn looking(self, look: fn(&Offer)) -> Self {
        Self { look, ..self }
    }
}

impl<T: Transform + Clone + Send + Sync + 'static> Extension for Offered<T> {
    fn name(&self) -> &str {
        self.name
    }

    fn reserved(&self) -> Reserved {
        self.transform.reserved()
    }

    fn accept(&self, offer: &Offer) -> Option<Agreement> {
        (self.look)(offer);
        Some(Agreement {
            response: offer.clone(),
            transform: Box::new(self.transform.clone()),
        })
    }

    fn offers(&self) -> Vec<Offer> {
        Vec::new()
    }

    fn confirm(&self, _: &Offer) -> Result<Box<dyn Transform>, String> {
        Ok(Box::new(self.transform.clone()))
    }
}
