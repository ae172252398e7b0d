//! Tests of the object store.

use super::*;
use crate::tree::files_below;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(directory.path().join("s3")).unwrap();
    (directory, Store::new(root))
}

#[test]
fn an_address_stays_inside_the_store() {
    let (_directory, store) = store();
    for bad in [
        "",
        "b/k",
        "s3://",
        "s3:///k",
        "s3://../k",
        "s3://b/../../k",
        "s3://b/a/./c",
        "https://b/k",
    ] {
        assert!(matches!(store.path(bad), Err(StoreError::Address(_))), "{bad}");
    }
    let path = store.path("s3://b/a//c/").unwrap();
    assert!(path.ends_with("s3/b/a/c"), "{path}");
}

#[test]
fn a_prefix_lists_all_objects_below_it_and_an_object_only_itself() {
    let (_directory, store) = store();
    for key in ["x/2.csv", "x/sub/3.csv", "x/1.csv", "y.csv"] {
        common::write_file(&store.path(&format!("s3://b/{key}")).unwrap(), key.as_bytes()).unwrap();
    }
    let names = |uri: &str| -> Vec<String> {
        store.objects(uri).unwrap().into_iter().map(|object| object.name).collect()
    };
    assert_eq!(names("s3://b/x/"), ["1.csv", "2.csv", "sub/3.csv"]);
    assert_eq!(names("s3://b/y.csv"), ["y.csv"]);
    assert!(matches!(store.objects("s3://b/z"), Err(StoreError::Missing { .. })));
}

/// The layout of a prefix that ends within a name is that of SageMaker's jobs: the names are
/// whole. A slash at the end, or nothing but what is below it, makes a directory of a prefix.
#[test]
fn a_prefix_may_end_within_a_name() {
    let (directory, store) = store();
    let put = |key: &str| {
        let path = store.path(&format!("s3://b/{key}")).unwrap();
        common::write_file(&path, key.as_bytes()).unwrap();
    };
    let names = |uri: &str| -> Vec<String> {
        store.objects(uri).unwrap().into_iter().map(|object| object.name).collect()
    };
    for key in ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/other.csv", "c/1.csv"] {
        put(key);
    }
    assert_eq!(names("s3://b/raw/machine"), ["machine_1.csv", "machine_2/a.csv"]);
    assert_eq!(names("s3://b/raw/machine_1"), ["machine_1.csv"]);
    assert_eq!(names("s3://b/raw/machine_2"), ["a.csv"], "nothing is beside machine_2/");
    assert_eq!(names("s3://b/r"), ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/other.csv"]);
    assert_eq!(names("s3://b").len(), 4);
    for missing in ["s3://b/raw/machine/", "s3://b/raw/other.csv/", "s3://", "s3://a"] {
        assert!(store.objects(missing).is_err(), "{missing}");
    }
    for (uri, is_directory) in [
        ("s3://b/raw/machine", false),
        ("s3://b/raw/other.csv", false),
        ("s3://b/raw", true),
        ("s3://b/raw/", true),
    ] {
        assert_eq!(store.is_directory(uri), is_directory, "{uri}");
    }

    // with a directory of the prefix's own name the names tell both apart
    put("raw/machine/machine_1.csv");
    assert_eq!(
        names("s3://b/raw/machine"),
        ["machine/machine_1.csv", "machine_1.csv", "machine_2/a.csv"]
    );
    assert_eq!(names("s3://b/raw/machine/"), ["machine_1.csv"]);
    let into = Utf8PathBuf::from_path_buf(directory.path().join("host")).unwrap();
    store.download("s3://b/raw/machine", &into, None).unwrap();
    let read = |name: &str| fs_err::read_to_string(into.join(name)).unwrap();
    assert_eq!(read("machine_1.csv"), "raw/machine_1.csv");
    assert_eq!(read("machine/machine_1.csv"), "raw/machine/machine_1.csv");
}

/// What lies at the address already, or beside it, is not the output's.
#[test]
fn an_output_is_what_was_stored() {
    let (directory, mut store) = store();
    let tree = Utf8PathBuf::from_path_buf(directory.path().join("tree")).unwrap();
    for key in ["out/earlier", "out2/b", "out.old"] {
        let path = store.path(&format!("s3://b/{key}")).unwrap();
        common::write_file(&path, b"1").unwrap();
    }
    let upload = |store: &Store, name: &str| {
        common::write_file(&tree.join(name), name.as_bytes()).unwrap();
        store.upload(&tree, "s3://b/out").unwrap()
    };
    let names = |store: &Store| -> Vec<String> {
        store.objects("s3://b/out").unwrap().into_iter().map(|object| object.name).collect()
    };
    let first = upload(&store, "sub/a");
    assert_eq!(first, [("sub/a".to_owned(), common::sha256_hex("sub/a"))].into());
    store.know(&[("s3://b/out".to_owned(), first)].into()).unwrap();
    assert_eq!(names(&store), ["sub/a"]);
    // Another step may store its results at the same address.
    let second = upload(&store, "b");
    assert_eq!(second, [("b".to_owned(), common::sha256_hex("b"))].into());
    store.know(&[("s3://b/out".to_owned(), second)].into()).unwrap();
    assert_eq!(names(&store), ["b", "sub/a"]);
    let left_out = ["out/earlier", "out.old", "out2/b"].map(|key| store.root.join("b").join(key));
    assert_eq!(store.left_out("s3://b/out").unwrap(), left_out);
}

#[test]
fn what_is_copied_keeps_its_addresses() {
    let (_directory, store) = store();
    let (_other_directory, other) = self::store();
    for key in ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/plant.csv"] {
        let path = store.path(&format!("s3://b/{key}")).unwrap();
        common::write_file(&path, key.as_bytes()).unwrap();
    }
    store.copy_to(&other, "s3://b/raw/machine").unwrap();
    let digest = |store: &Store| store.digest("s3://b/raw/machine").unwrap();
    assert_eq!(digest(&other), digest(&store));
    assert!(other.objects("s3://b/raw/plant.csv").is_err());
    assert!(store.copy_to(&other, "s3://b/none").is_err());
}

#[test]
fn shards_partition_the_objects_and_equal_data_has_equal_digests() {
    let (directory, store) = store();
    for bucket in ["b", "c"] {
        for name in ["1", "2", "3"] {
            let path = store.path(&format!("s3://{bucket}/x/{name}")).unwrap();
            common::write_file(&path, name.as_bytes()).unwrap();
        }
    }
    assert_eq!(store.digest("s3://b/x").unwrap(), store.digest("s3://c/x/").unwrap());
    let mut all = Vec::new();
    for host in 0..2 {
        let into =
            Utf8PathBuf::from_path_buf(directory.path().join(format!("host{host}"))).unwrap();
        store.download("s3://b/x", &into, Some((host, 2))).unwrap();
        all.extend(files_below(&into).unwrap().into_iter().map(|file| file.name));
    }
    all.sort();
    assert_eq!(all, ["1", "2", "3"]);
}

/// Puts two objects into a store that knows them.
fn known() -> (tempfile::TempDir, Store, Contents) {
    let (directory, mut store) = store();
    let put = |name: &str| {
        let written = store.write(&format!("s3://b/in/{name}"), |out| out.write_all(b"1"));
        (name.to_owned(), written.unwrap())
    };
    let contents =
        Contents::from([("s3://b/in".to_owned(), ["1.csv", "sub/2.csv"].map(put).into())]);
    store.know(&contents).unwrap();
    (directory, store, contents)
}

#[test]
fn only_what_was_recorded_is_read() {
    let (directory, store, contents) = known();
    let into = Utf8PathBuf::from_path_buf(directory.path().join("job")).unwrap();
    let names = |uri: &str| -> Vec<String> {
        store.objects(uri).unwrap().into_iter().map(|object| object.name).collect()
    };
    let digest = store.digest("s3://b/in").unwrap();
    let planted = ["s3://b/in/0.csv", "s3://b/in/sub/3.csv"].map(|uri| store.path(uri).unwrap());
    planted.iter().for_each(|path| fs_err::write(path, "2").unwrap());
    common::write_file(&store.path("s3://b/in.csv").unwrap(), b"3").unwrap();
    assert_eq!(names("s3://b/in/"), ["1.csv", "sub/2.csv"]);
    assert_eq!(names("s3://b/in/sub"), ["2.csv"]);
    assert_eq!(names("s3://b/in"), ["1.csv", "sub/2.csv"]);
    let beside = store.path("s3://b/in.csv").unwrap();
    assert_eq!(store.left_out("s3://b/in/").unwrap(), planted);
    assert_eq!(store.left_out("s3://b/in").unwrap().last(), Some(&beside));
    assert_eq!(store.left_out("s3://b/in.").unwrap(), [""; 0], "nothing of it was recorded");
    assert_eq!(store.digest("s3://b/in/").unwrap(), digest);
    assert!(matches!(store.read("s3://b/in/0.csv"), Err(StoreError::Missing { .. })));
    store.download("s3://b/in/", &into, None).unwrap();
    assert_eq!(files_below(&into).unwrap().len(), 2);
    store.verify(&contents).unwrap();
}

#[test]
fn what_has_changed_is_not_read() {
    let (directory, store, contents) = known();
    let (_other_directory, other) = self::store();
    let into = Utf8PathBuf::from_path_buf(directory.path().join("job")).unwrap();
    let path = store.path("s3://b/in/sub/2.csv").unwrap();
    for (text, found) in [("", "e3b0c442"), ("9", "19581e27")] {
        fs_err::write(&path, text).unwrap();
        for refused in [
            store.download("s3://b/in", &into, None),
            store.copy_to(&other, "s3://b/in"),
            store.read("s3://b/in/sub/2.csv").map(drop),
            store.verify(&contents),
        ] {
            let error = refused.unwrap_err().to_string();
            let begin = format!("{path} has changed since it was recorded: its SHA-256 is {found}");
            assert!(error.starts_with(&begin) && error.contains(", expected 6b86b273"), "{error}");
        }
    }
    fs_err::remove_file(&path).unwrap();
    let gone = |error: StoreError| {
        assert_eq!(error.to_string(), format!("{path} was recorded and is gone"));
    };
    gone(store.download("s3://b/in", &into, None).unwrap_err());
    gone(store.digest("s3://b/in").unwrap_err());
    gone(store.verify(&contents).unwrap_err());
}

#[test]
fn nothing_is_written_through_a_link() {
    let (directory, store) = store();
    let outside = Utf8PathBuf::from_path_buf(directory.path().join("outside")).unwrap();
    let tree = Utf8PathBuf::from_path_buf(directory.path().join("tree")).unwrap();
    fs_err::create_dir_all(&outside).unwrap();
    common::write_file(&tree.join("sub/a"), b"1").unwrap();
    common::write_file(&store.path("s3://b/x").unwrap(), b"1").unwrap();
    std::os::unix::fs::symlink(&outside, store.path("s3://b/link").unwrap()).unwrap();
    std::os::unix::fs::symlink(outside.join("file"), store.path("s3://b/file").unwrap()).unwrap();
    store.upload(&tree, "s3://b/link").unwrap_err();
    store.upload(&tree, "s3://b/link/deep").unwrap_err();
    let error = store.put(&tree.join("sub/a"), "s3://b/link/a").unwrap_err();
    assert!(common::chain(&error).contains("it is a symbolic link, which is not followed"));
    store.put(&tree.join("sub/a"), "s3://b/file").unwrap();
    assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 0);
    assert!(tree.join("sub/a").is_file(), "a refused file stays where it is");
}

/// Somebody has moved an object elsewhere and linked it back.
#[test]
fn a_link_to_the_recorded_bytes_is_said_to_be_one() {
    let (_directory, mut store) = store();
    store.write("s3://b/out/a.csv", |out| out.write_all(b"1")).unwrap();
    let contents = store.record("s3://b/out").unwrap();
    store.verify(&contents).unwrap();
    store.know(&contents).unwrap();
    let (object, elsewhere) = (store.path("s3://b/out/a.csv").unwrap(), store.root.join("a.csv"));
    fs_err::rename(&object, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &object).unwrap();
    let expected = format!("{object} is a symbolic link, expected the file that was recorded");
    assert_eq!(store.verify(&contents).unwrap_err().to_string(), expected);
    assert_eq!(store.objects("s3://b/out").unwrap_err().to_string(), expected);
}
