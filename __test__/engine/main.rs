//! Behaviour of the core on real SQLite files and real archives.
