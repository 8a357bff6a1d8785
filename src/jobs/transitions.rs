//! The one table of states: what may follow what. Pure.

use super::job::State;

/// What people can tell a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    Cancel,
    Pause,
    Resume,
    Retry,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A process takes it: one that waits, or one whose owner is gone.
    Claim,
    /// Its process stops and gives it back.
    Release,
    Succeed,
    Fail,
    Cancel,
    Pause,
    Resume,
    Retry,
}

const TABLE: [(State, Event, State); 13] = [
    (State::Queued, Event::Claim, State::Running),
    (State::Queued, Event::Cancel, State::Cancelled),
    (State::Queued, Event::Pause, State::Paused),
    (State::Running, Event::Claim, State::Running),
    (State::Running, Event::Release, State::Queued),
    (State::Running, Event::Succeed, State::Succeeded),
    (State::Running, Event::Fail, State::Failed),
    (State::Running, Event::Cancel, State::Cancelled),
    (State::Running, Event::Pause, State::Paused),
    (State::Paused, Event::Resume, State::Queued),
    (State::Paused, Event::Cancel, State::Cancelled),
    (State::Failed, Event::Retry, State::Queued),
    (State::Cancelled, Event::Retry, State::Queued),
];

/// `None`: that cannot happen to a job in this state.
pub(super) fn next(state: State, event: Event) -> Option<State> {
    TABLE.iter().find(|(from, what, _)| *from == state && *what == event).map(|(_, _, to)| *to)
}

/// What a job in this state can be told.
pub(super) fn possible(state: State) -> impl Iterator<Item = Steer> {
    Steer::ALL.into_iter().filter(move |steer| next(state, Event::from(*steer)).is_some())
}

impl From<Steer> for Event {
    fn from(steer: Steer) -> Self {
        match steer {
            Steer::Cancel => Event::Cancel,
            Steer::Pause => Event::Pause,
            Steer::Resume => Event::Resume,
            Steer::Retry => Event::Retry,
        }
    }
}

impl Steer {
    pub const ALL: [Steer; 4] = [Steer::Cancel, Steer::Pause, Steer::Resume, Steer::Retry];

    pub const fn as_str(self) -> &'static str {
        match self {
            Steer::Cancel => "cancel",
            Steer::Pause => "pause",
            Steer::Resume => "resume",
            Steer::Retry => "retry",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|steer| steer.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_can_say_depends_on_the_state() {
        for (state, can) in [
            (State::Queued, "cancel pause"),
            (State::Running, "cancel pause"),
            (State::Paused, "cancel resume"),
            (State::Succeeded, ""),
            (State::Failed, "retry"),
            (State::Cancelled, "retry"),
        ] {
            let told: Vec<&str> = possible(state).map(Steer::as_str).collect();
            assert_eq!(told.join(" "), can, "{state}");
        }
    }

    #[test]
    fn the_table_says_each_thing_once_and_every_state_can_be_reached() {
        for (at, (from, event, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|(other, what, _)| other == from && what == event), "{from} {event:?}");
        }
        for state in State::ALL {
            assert!(state == State::Queued || TABLE.iter().any(|(_, _, to)| *to == state), "{state}");
            assert_eq!(state.is_final(), possible(state).all(|steer| steer == Steer::Retry), "{state}");
        }
    }
}
