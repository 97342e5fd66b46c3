#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cultural_archiver_backup_fuzz::sql_script(data));
