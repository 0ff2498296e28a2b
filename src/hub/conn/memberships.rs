//! The topics of a session.

/// A session's key in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) topic: u32,
    pub(crate) index: u32,
}

/// The topics of a session: nearly always none or one.
#[derive(Debug, Default)]
pub(crate) enum Memberships {
    #[default]
    None,
    One(Membership),
    // Boxed twice on purpose: eight bytes in the slot of every session that has at most one topic.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<Membership>>),
}

impl Memberships {
    pub(crate) fn as_slice(&self) -> &[Membership] {
        match self {
            Self::None => &[],
            Self::One(membership) => std::slice::from_ref(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Membership] {
        match self {
            Self::None => &mut [],
            Self::One(membership) => std::slice::from_mut(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(crate) fn find(&self, topic: u32) -> Option<Membership> {
        self.as_slice()
            .iter()
            .find(|membership| membership.topic == topic)
            .copied()
    }

    pub(crate) fn push(&mut self, membership: Membership) {
        match self {
            Self::None => *self = Self::One(membership),
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, membership])),
            Self::Many(memberships) => memberships.push(membership),
        }
    }

    pub(crate) fn remove(&mut self, topic: u32) {
        match self {
            Self::None => {}
            Self::One(membership) if membership.topic == topic => *self = Self::None,
            Self::One(_) => {}
            Self::Many(memberships) => memberships.retain(|membership| membership.topic != topic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_keep_any_number_of_topics() {
        let mut memberships = Memberships::default();
        for topic in 0..3 {
            memberships.push(Membership {
                topic,
                index: 10 + topic,
            });
        }
        memberships.remove(1);
        assert_eq!(memberships.find(1), None);
        assert_eq!(
            memberships.find(2),
            Some(Membership {
                topic: 2,
                index: 12
            })
        );
        assert_eq!(memberships.as_slice().len(), 2);
    }
}
