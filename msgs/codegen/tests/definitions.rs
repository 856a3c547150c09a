//! What is understood, what is refused, and with which words.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

use std::fs;

use peregrine_msgs_codegen::generate;
use peregrine_msgs_codegen::library::{check, full_text, least_size};
use peregrine_msgs_codegen::literal::literal;
use peregrine_msgs_codegen::model::{Base, Library, Primitive, Shape, Structure, TypeName};
use peregrine_msgs_codegen::parse::{parse, parse_service};

fn structure(name: &str, text: &str) -> Structure {
    parse(TypeName::message("p", name), text).unwrap()
}

fn library(all: &[(&str, &str)]) -> Library {
    all.iter().map(|(name, text)| (TypeName::message("p", name), structure(name, text))).collect()
}

fn refusal(text: &str) -> String {
    parse(TypeName::message("p", "T"), text).unwrap_err().to_string()
}

#[test]
fn every_form_of_field_is_understood() {
    let s = structure(
        "T",
        "# a comment\n\nchar c\nbyte   b # another\nstring<=5 s \"a#b\"\nfloat64[3] a [1, 2, 3]\nint8[] q\n\
         other/Thing[<=4] t\nOther o\nHeader header\nint32 LIMIT = -7\nstring NAME='x y'\nother/msg/Long l",
    );
    let names: Vec<_> = s.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "s", "a", "q", "t", "o", "header", "l"]);
    assert_eq!(s.fields[0].base, Base::Primitive(Primitive::UInt8));
    assert_eq!(s.fields[1].base, Base::Primitive(Primitive::Byte));
    assert_eq!(
        (&s.fields[2].base, s.fields[2].default.as_deref()),
        (&Base::String(Some(5)), Some("\"a#b\""))
    );
    assert_eq!(s.fields[3].shape, Shape::Array(3));
    assert_eq!(s.fields[5].shape, Shape::Bounded(4));
    assert_eq!(s.fields[5].base, Base::Nested(TypeName::message("other", "Thing")));
    assert_eq!(s.fields[6].base, Base::Nested(TypeName::message("p", "Other")));
    assert_eq!(s.fields[7].base, Base::Nested(TypeName::message("std_msgs", "Header")));
    assert_eq!(s.fields[8].base, Base::Nested(TypeName::message("other", "Long")));
    let constants: Vec<_> = s.constants.iter().map(|c| (c.name.as_str(), c.value.as_str())).collect();
    assert_eq!(constants, [("LIMIT", "-7"), ("NAME", "'x y'")]);
}

#[test]
fn refusals_name_the_line_and_the_remedy() {
    let text = refusal("int32 a\nwstring w");
    assert!(text.starts_with("PG-0351: p/T line 2: \"wstring w\" uses wstring"), "{text}");
    for (text, words) in [
        ("int32", "has no name"),
        ("int32 a\nint32 a", "a second time"),
        ("int32 Big", "lower_case"),
        ("int32 small=3", "UPPER_CASE"),
        ("int32[0] a", "above zero"),
        ("int32[<=x] a", "above zero"),
        ("int32[3 a", "closing"),
        ("int32[] A=3", "single number"),
        ("Point X=3", "single number"),
        ("Point p 3", "nested"),
        ("point p", "CamelCase"),
        ("a/b/C d", "package/Name"),
        ("int32 1a", "lower_case"),
    ] {
        let error = refusal(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn names_must_resolve_and_not_recur() {
    let error = check(&library(&[("A", "B b")])).unwrap_err().to_string();
    assert!(error.starts_with("PG-0352: p/msg/A uses p/msg/B"), "{error}");
    for loop_ in [&[("A", "A[] a")][..], &[("A", "B b"), ("B", "C[2] c"), ("C", "A[] a")]] {
        let error = check(&library(loop_)).unwrap_err().to_string();
        assert!(error.starts_with("PG-0353"), "{error}");
    }
    check(&library(&[("A", "B x\nB y\nC z"), ("B", "C c"), ("C", "int32 i")])).unwrap();
}

#[test]
fn sizes_and_texts_follow_the_dependencies() {
    let l =
        library(&[("A", "B[2] b\nstring s\nC[] c\n"), ("B", "C c\nfloat64 f\n"), ("C", ""), ("D", "A a\n")]);
    let of = |name: &str| &l[&TypeName::message("p", name)];
    assert_eq!(["A", "B", "C", "D"].map(|n| least_size(&l, of(n))), [26, 9, 1, 26]);
    let bar = "=".repeat(80);
    let expected = format!(
        "A a\n{bar}\nMSG: p/A\nB[2] b\nstring s\nC[] c\n{bar}\nMSG: p/B\nC c\nfloat64 f\n{bar}\nMSG: p/C\n"
    );
    assert_eq!(full_text(&l, of("D")), expected);
}

#[test]
fn values_must_fit_their_type() {
    let of = |p, text| literal(&Base::Primitive(p), text);
    assert_eq!(of(Primitive::UInt8, "0xff").unwrap(), "255");
    assert_eq!(of(Primitive::Int8, "-128").unwrap(), "-128");
    assert_eq!(of(Primitive::Bool, "True").unwrap(), "true");
    assert_eq!(of(Primitive::Float32, "3").unwrap(), "3.0");
    assert_eq!(of(Primitive::UInt64, "18446744073709551615").unwrap(), "18446744073709551615");
    assert!(of(Primitive::UInt8, "256").unwrap_err().contains("no uint8"));
    assert!(of(Primitive::Int32, "1.5").is_err());
    assert!(of(Primitive::Float64, "fast").is_err());
    assert!(of(Primitive::Bool, "2").is_err());
    assert_eq!(literal(&Base::String(None), "'it \"is\"'").unwrap(), "\"it \\\"is\\\"\"");
    assert!(literal(&Base::String(Some(2)), "abc").is_err());
}

#[test]
fn a_service_has_two_sides() {
    let [request, response] =
        parse_service("std_srvs", "SetBool", "bool data\n---\nbool success\nstring message\n").unwrap();
    assert_eq!(request.name.full(), "std_srvs/srv/SetBool_Request");
    assert_eq!(response.name.dds(), "std_srvs::srv::dds_::SetBool_Response_");
    assert_eq!((request.fields.len(), response.fields.len()), (1, 2));
    assert!(parse_service("p", "S", "bool a").unwrap_err().to_string().contains("exactly once"));
    assert!(parse_service("p", "S", "---\n---").is_err());
}

#[test]
fn a_folder_becomes_rust() {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            "p/msg/A.msg",
            "int32 type 3\nuint8[40] long\nfloat32[2] pair [1, 2.5]\nstring<=3[] names [\"a\", 'b']\n",
        ),
        ("p/srv/Do.srv", "A a\n---\n"),
        ("service_msgs/msg/ServiceEventInfo.msg", "uint8 event_type\n"),
        ("p/README.md", "not a definition"),
        ("p/msg/notes.txt", "nor this"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let text = generate(dir.path()).unwrap();
    for part in [
        "pub r#type: i32",
        "r#type: 3,",
        "#[serde(with = \"crate::json::array\")]",
        "pair: [1.0, 2.5],",
        "names: ::std::vec![::std::string::String::from(\"a\"), ::std::string::String::from(\"b\")],",
        "r.get_string_seq(usize::MAX, 3)",
        "pub struct DoRequest",
        "\"p/srv/Do_Response\"",
        "impl crate::Service for Do {",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(text, generate(dir.path()).unwrap());

    fs::write(dir.path().join("p/msg/A.msg"), "int8 a 300\n").unwrap();
    let error = generate(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no int8"), "{error}");
    let error = generate(&dir.path().join("absent")).unwrap_err().to_string();
    assert!(error.starts_with("PG-0350"), "{error}");
}
