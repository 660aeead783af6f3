// SPDX-License-Identifier: Apache-2.0
//! What the filter lets pass.

use rstest::rstest;

use super::*;

fn reason(filter: &Filter, text: &str) -> Option<String> {
    filter.parse(text).err().map(|error| error.to_string())
}

#[rstest]
#[case("http://example.com/a.img")]
#[case("https://example.com:443/a.img?x=y#z")]
#[case("http://10.1.2.3/a")]
#[case("HTTP://Example.COM./")]
#[case("http://user:secret@example.com/")]
#[case("http://[2606:4700::1]/")]
fn defaults_let_pass(#[case] text: &str) {
    assert_eq!(reason(&Filter::new(FilterRules::default()), text), None);
}

#[rstest]
#[case("", "it is not one")]
#[case("example.com/a", "it is not one")]
#[case("ftp://example.com/", "scheme")]
#[case("file:///etc/passwd", "scheme")]
#[case("FILE:///etc/passwd", "scheme")]
#[case("gopher://example.com/", "scheme")]
#[case("http://example.com:8080/", "port")]
#[case("http://127.0.0.1/", "address is not allowed")]
#[case("http://2130706433/", "address is not allowed")]
#[case("http://3232235777/", "disguise")]
#[case("http://0xC0A80001/", "disguise")]
#[case("http://192.168.1/", "disguise")]
#[case("http://0300.0250.0.1/", "disguise")]
#[case("http://0x7f.1/", "address is not allowed")]
#[case("http://%31%30.0.0.1/", "disguise")]
#[case("http://10.0.0.1./", "disguise")]
#[case("http://0/", "address is not allowed")]
#[case("http://0.0.0.0/", "address is not allowed")]
#[case("http://[::]/", "address is not allowed")]
#[case("http://[::ffff:7f00:1]/", "address is not allowed")]
#[case("http://[64:ff9b::a9fe:a9fe]/", "address is not allowed")]
#[case("http://169.254.169.254/latest/meta-data", "address is not allowed")]
#[case("http://user@127.0.0.1/", "address is not allowed")]
#[case("http://example.com@127.0.0.1/", "address is not allowed")]
#[case("http:\\\\127.0.0.1/", "address is not allowed")]
fn defaults_refuse(#[case] text: &str, #[case] part: &str) {
    let said = reason(&Filter::new(FilterRules::default()), text).unwrap();
    assert!(said.contains(part), "{said}");
    assert!(!said.contains("secret"));
}

#[test]
fn a_listed_host_may_be_anywhere_and_is_the_only_one() {
    let rules = FilterRules {
        allowed_hosts: vec!["127.0.0.1".to_owned(), "Images.Local".to_owned(), "[::1]".to_owned()],
        disallowed_hosts: vec!["images.local".to_owned()],
        allowed_ports: Vec::new(),
        ..FilterRules::default()
    };
    let filter = Filter::new(rules);
    assert_eq!(reason(&filter, "http://127.0.0.1:8098/"), None);
    assert_eq!(reason(&filter, "http://[::1]:8098/"), None);
    assert_eq!(reason(&filter, "http://images.local./"), None);
    assert!(filter.lets("images.local", "127.0.0.1".parse().unwrap()));
    assert!(reason(&filter, "http://example.com/").unwrap().contains("host is not allowed"));
    assert!(reason(&filter, "http://127.0.0.2/").unwrap().contains("host is not allowed"));
}

#[test]
fn a_refused_host_is_refused_by_its_address_too() {
    let rules = FilterRules {
        disallowed_hosts: vec!["10.0.0.1".to_owned(), "evil.example".to_owned()],
        disallowed_ports: vec![22],
        allowed_ports: Vec::new(),
        ..FilterRules::default()
    };
    let filter = Filter::new(rules);
    assert!(reason(&filter, "http://EVIL.example./").unwrap().contains("host is not allowed"));
    assert!(reason(&filter, "http://10.0.0.1/").unwrap().contains("host is not allowed"));
    assert!(!filter.lets("other.example", "10.0.0.1".parse().unwrap()));
    assert!(filter.lets("other.example", "10.0.0.2".parse().unwrap()));
    assert!(reason(&filter, "http://example.com:22/").unwrap().contains("port"));
    assert_eq!(reason(&filter, "http://example.com:8080/"), None);
}

#[test]
fn a_default_port_counts_as_written() {
    let rules = FilterRules { allowed_ports: vec![8080], ..FilterRules::default() };
    assert!(reason(&Filter::new(rules), "http://example.com/").unwrap().contains("port"));
}

#[rstest]
#[case("/b", Some("http://example.com/b"))]
#[case("b?c", Some("http://example.com/b?c"))]
#[case("//other.example/b", Some("http://other.example/b"))]
#[case("https://other.example/b", Some("https://other.example/b"))]
#[case("http://127.0.0.1/", None)]
#[case("//127.0.0.1/", None)]
#[case("\\\\127.0.0.1/", None)]
#[case("//3232235777/", None)]
#[case("http://example.com:6379/", None)]
#[case("file:///etc/passwd", None)]
#[case("gopher://example.com/", None)]
fn redirects_are_judged_again(#[case] to: &str, #[case] leads: Option<&str>) {
    let filter = Filter::new(FilterRules::default());
    let from = filter.parse("http://example.com/a").unwrap();
    assert_eq!(filter.follow(&from, to).ok().map(String::from).as_deref(), leads);
}
