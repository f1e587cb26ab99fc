//! What is built in is what lies in `metadefs/`, and all of it can be read.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn every_file_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadefs");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let files: BTreeSet<String> = files.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), files);
}

#[test]
fn every_definition_can_be_read() {
    let all = definitions(Timestamp::UNIX_EPOCH).unwrap();
    let count = |of: fn(&Contents) -> usize| all.iter().map(|(_, contents)| of(contents)).sum::<usize>();
    assert_eq!(
        (all.len(), count(|contents| contents.properties.len()), count(|contents| contents.objects.len())),
        (33, 136, 23)
    );
    for (namespace, _) in &all {
        // What the API takes in a namespace.
        assert!(namespace.description.as_ref().is_some_and(|text| text.chars().count() <= 500), "{namespace:?}");
        assert_eq!(namespace.visibility(), "public");
    }
}
