#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[test]
fn a_file_that_does_not_read_back_is_no_defect_of_the_package() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(dir.path()).unwrap();
    let mut index = TagIndex::new(&workspace);
    index.limit = 1;
    index.add("material", "bronze", 0).unwrap();
    let spilled = File::options().write(true).open(workspace.path(&index.runs[0])).unwrap();
    spilled.set_len(spilled.metadata().unwrap().len() - 1).unwrap();
    let failed = index.each(|_, _, _| Ok(())).unwrap_err();
    assert_eq!(failed.code(), "OUTPUT_UNWRITABLE");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn tags_come_sorted_and_once_whether_they_fit_or_not(
        tags in proptest::collection::vec(("[a-c\u{e9}]{0,2}", "[a-b]{0,2}|[ab\u{0}]{7,9}", 0_u32..5), 0..60),
        limit in 1_usize..2000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let mut index = TagIndex::new(&workspace);
        index.limit = limit;
        let mut expected: BTreeMap<(String, String), BTreeSet<u32>> = BTreeMap::new();
        for (label, value, work) in &tags {
            index.add(label, value, *work).unwrap();
            expected.entry((label.clone(), value.clone())).or_default().insert(*work);
        }
        let mut found = Vec::new();
        index.each(|label, value, works| {
            found.push(((label.to_owned(), value.to_owned()), works.iter().copied().collect()));
            Ok(())
        }).unwrap();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}
