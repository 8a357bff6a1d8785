//! Long tasks with a state that one can watch and steer: claimed by one process, run, kept over a crash.
