#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cultural_archiver_backup_fuzz::tags(data));
