//! Certificates from files, and their replacement while the server runs.

use super::authority::Pair;
use super::peer::{assert_echo, open};
use super::{echo, secured_with};
use dunlin::{Limits, Tls};
use std::path::PathBuf;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("dunlin-tls-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_new_certificate_is_shown_and_old_sessions_stay() {
    let folder = Folder::new("reload");
    let (old, new) = (Pair::new(), Pair::new());
    let certificate = folder.write("cert.pem", &old.certificate);
    let key = folder.write("key.pem", &old.key);
    let tls = Tls::from_pem_files(&certificate, &key).expect("a pair");
    let server = secured_with(tls.clone(), Limits::default(), echo);
    let mut before = open(server.address(), &old, "/echo");
    folder.write("cert.pem", &new.certificate);
    folder.write("key.pem", &new.key);
    tls.reload().expect("a pair");
    let mut after = open(server.address(), &new, "/echo");
    assert_echo(&mut after, "new");
    assert_echo(&mut before, "old");
}

#[test]
fn a_broken_certificate_is_not_taken_over() {
    let folder = Folder::new("broken");
    let (old, other) = (Pair::new(), Pair::new());
    let certificate = folder.write("cert.pem", &old.certificate);
    let key = folder.write("key.pem", &old.key);
    let tls = Tls::from_pem_files(&certificate, &key).expect("a pair");
    let server = secured_with(tls.clone(), Limits::default(), echo);
    for (broken, part) in [
        ("", "is empty"),
        ("-----BEGIN CERTIFICATE-----\n", "cert.pem"),
        (&*other.certificate, "does not belong to"),
        (&*old.key, "but a private key"),
    ] {
        folder.write("cert.pem", broken);
        let error = tls.reload().expect_err("it is broken").to_string();
        assert!(error.contains(part), "{error}");
        assert!(error.contains("cert.pem"), "{error}");
        assert_echo(&mut open(server.address(), &old, "/echo"), "as before");
    }
    std::fs::remove_file(&certificate).expect("a file");
    let error = format!("{:#}", tls.reload().expect_err("it is gone"));
    assert!(error.contains("cannot read the certificate"), "{error}");
    assert_echo(&mut open(server.address(), &old, "/echo"), "as before");
}

#[test]
fn a_pair_from_texts_is_replaced_by_texts() {
    let (old, new) = (Pair::new(), Pair::rsa());
    let tls = old.tls();
    let server = secured_with(tls.clone(), Limits::default(), echo);
    assert_echo(&mut open(server.address(), &old, "/echo"), "old");
    assert!(tls.reload().is_err(), "there is no file");
    tls.replace_pem(&new.certificate, &new.key).expect("a pair");
    assert_echo(&mut open(server.address(), &new, "/echo"), "new");
}
