//! Bodies whole, byte by byte and cut anywhere: always the same outcome.

use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The content and the number of consumed bytes, `None` while the body is not complete.
type Outcome = Result<Option<(Vec<u8>, usize)>, Refusal>;

fn read_pieces<'i>(
    length: BodyLength,
    max: u64,
    pieces: impl Iterator<Item = &'i [u8]>,
) -> Outcome {
    let mut reader = BodyReader::new(length, max)?;
    let mut out = Vec::new();
    let mut total = 0;
    for piece in pieces {
        let (consumed, complete) = reader.feed(piece, &mut out)?;
        total += consumed;
        assert_eq!(complete, reader.is_complete());
        assert!(
            complete || consumed == piece.len(),
            "bytes were left without need"
        );
        if complete {
            break;
        }
    }
    Ok(reader.is_complete().then_some((out, total)))
}

/// Reads the input whole, with every single cut and byte by byte, and demands one outcome.
fn read(length: BodyLength, max: u64, input: &[u8]) -> Outcome {
    let whole = read_pieces(length, max, std::iter::once(input));
    for cut in 0..=input.len().min(600) {
        let (front, back) = input.split_at(cut);
        let pieces = read_pieces(length, max, [front, back].into_iter());
        assert_eq!(pieces, whole, "cut at {cut}");
    }
    let bytes = read_pieces(length, max, input.chunks(1));
    assert_eq!(bytes, whole, "byte by byte");
    whole
}

fn chunked(input: &str) -> Outcome {
    read(BodyLength::Chunked, 100, input.as_bytes())
}

fn content(text: &str, consumed: usize) -> Outcome {
    Ok(Some((text.as_bytes().to_vec(), consumed)))
}

fn refused(status: Status) -> Outcome {
    Err(status.into())
}

#[test]
fn a_body_of_known_length_ends_where_the_next_request_begins() {
    assert_eq!(
        read(BodyLength::Length(5), 5, b"helloGET /"),
        content("hello", 5)
    );
    assert_eq!(read(BodyLength::Length(5), 5, b"hell"), Ok(None));
    assert_eq!(read(BodyLength::Length(0), 5, b"GET /"), content("", 0));
    assert_eq!(read(BodyLength::None, 0, b"GET /"), content("", 0));
}

#[test]
fn a_known_length_over_the_limit_is_413_before_a_byte_arrives() {
    let too_big = BodyReader::new(BodyLength::Length(101), 100);
    assert_eq!(too_big.unwrap_err(), Status::PAYLOAD_TOO_LARGE.into());
    assert!(BodyReader::new(BodyLength::Length(100), 100).is_ok());
}

#[test]
fn chunks_are_joined() {
    assert_eq!(chunked("5\r\nhello\r\n0\r\n\r\n"), content("hello", 15));
    assert_eq!(
        chunked("1\r\nh\r\n04\r\nello\r\n00\r\n\r\nGET"),
        content("hello", 22)
    );
    assert_eq!(chunked("0\r\n\r\n"), content("", 5));
    assert_eq!(
        chunked("A\r\n0123456789\r\n0\r\n\r\n"),
        content("0123456789", 20)
    );
    assert_eq!(
        chunked("a\r\n0123456789\r\n0\r\n\r\n"),
        content("0123456789", 20)
    );
    assert_eq!(chunked("5\r\nhello\r\n0\r\n"), Ok(None));
}

#[test]
fn chunk_extensions_have_a_name_and_perhaps_a_value() {
    for line in [
        "5;a",
        "5 ; a = b",
        "5\t;\ta\t=\t\"\"",
        "5;a=\"b\\\"c\\\\;\r\"".replace("\r", "=").as_str(),
        "5;a=b;c ;d=\"e\"",
        "5;a ;b",
    ] {
        let input = format!("{line}\r\nhello\r\n0\r\n\r\n");
        assert_eq!(chunked(&input), content("hello", input.len()), "{line:?}");
    }
}

#[test]
fn chunk_extensions_without_a_name_or_with_a_broken_value_are_refused() {
    for line in [
        "5;",
        "5; ",
        "5;;a",
        "5;=a",
        "5;a;",
        "5;a=",
        "5;a=;b",
        "5;bad[=x",
        "5;a=[",
        "5;a=b=c",
        "5;a b",
        "5;a=b c",
        "5;a=\"b\"c",
        "5;a=\"b",
        "5;a\"b\"",
        "5;a=b\"c\"",
        "5 a",
        "5;a ",
        "5;a=b ",
        "5;a=\"\x7f\"",
        "5;a=\"\\\x01\"",
    ] {
        let input = format!("{line}\r\nhello\r\n0\r\n\r\n");
        assert_eq!(chunked(&input), refused(Status::BAD_REQUEST), "{line:?}");
    }
}

#[test]
fn extensions_and_trailers_are_discarded() {
    let input = "5;a=1;b=\"x\ty\"\r\nhello\r\n0 ;z\r\nDigest: abc\r\nB:\tc\r\n\r\n";
    assert_eq!(chunked(input), content("hello", input.len()));
}

#[test]
fn broken_chunks_are_400() {
    for input in [
        "\r\n",
        " 5\r\n",
        "5 \r\n",
        "5\n",
        "5\r\r",
        "5\rh",
        "g\r\n",
        "0x5\r\n",
        "+5\r\n",
        "-5\r\n",
        "5;a\n",
        "5;\x00",
        "5;a\r;",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "5_0\r\n",
        "5\r\nhello0\r\n\r\n",
        ";a\r\n",
        "5 a\r\n",
    ] {
        assert_eq!(chunked(input), refused(Status::BAD_REQUEST), "{input:?}");
    }
}

#[test]
fn a_chunk_size_that_overflows_is_400() {
    assert_eq!(
        chunked("10000000000000000\r\n"),
        refused(Status::BAD_REQUEST)
    );
    assert_eq!(chunked("FFFFFFFFFFFFFFFFF"), refused(Status::BAD_REQUEST));
    assert_eq!(
        chunked("FFFFFFFFFFFFFFFF\r\n"),
        refused(Status::PAYLOAD_TOO_LARGE)
    );
}

#[test]
fn a_chunk_size_of_more_digits_than_others_read_is_400() {
    let zeros = format!("{}\r\n\r\n", "0".repeat(16));
    assert_eq!(chunked(&zeros), content("", zeros.len()));
    assert_eq!(chunked(&format!("0{zeros}")), refused(Status::BAD_REQUEST));
}

#[test]
fn chunks_over_the_limit_are_413_at_their_size() {
    assert_eq!(chunked("65\r"), refused(Status::PAYLOAD_TOO_LARGE));
    assert_eq!(chunked("65;"), refused(Status::PAYLOAD_TOO_LARGE));
    let hundred = format!("60\r\n{}\r\n4\r\nabcd\r\n", "x".repeat(96));
    let input = format!("{hundred}0\r\n\r\n");
    assert_eq!(
        chunked(&input),
        content(&format!("{}abcd", "x".repeat(96)), input.len())
    );
    assert_eq!(
        chunked(&format!("{hundred}1\r")),
        refused(Status::PAYLOAD_TOO_LARGE)
    );
}

#[test]
fn bad_trailers_are_400() {
    for trailers in [
        "a b: c\r\n",
        " a: b\r\n",
        "a\r\n",
        ": b\r\n",
        "a: b\n",
        "a: b\rc",
        "a: \x01",
        "\n",
        "\rX",
    ] {
        let input = format!("0\r\n{trailers}");
        assert_eq!(
            chunked(&input),
            refused(Status::BAD_REQUEST),
            "{trailers:?}"
        );
    }
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let line = format!("5;{}", "a".repeat(MAX_CHUNK_LINE - 2));
    assert_eq!(chunked(&line), Ok(None));
    assert_eq!(chunked(&format!("{line}a")), refused(Status::BAD_REQUEST));
    let zeros = "0".repeat(MAX_CHUNK_LINE + 1);
    assert_eq!(chunked(&zeros), refused(Status::BAD_REQUEST));
    let flood = format!("1;{}\r\na\r\n", "a".repeat(127)).repeat(MAX_EXTENSIONS / 128);
    assert_eq!(read(BodyLength::Chunked, 1000, flood.as_bytes()), Ok(None));
    let more = format!("{flood}1;");
    assert_eq!(
        read(BodyLength::Chunked, 1000, more.as_bytes()),
        refused(Status::BAD_REQUEST)
    );
    let trailer = format!("0\r\na:{}", "b".repeat(MAX_TRAILERS - 2));
    assert_eq!(chunked(&trailer), Ok(None));
    assert_eq!(
        chunked(&format!("{trailer}b")),
        refused(Status::HEADER_FIELDS_TOO_LARGE)
    );
}

#[test]
fn any_cut_of_a_mutated_body_gives_the_same_outcome() {
    let seeds: [&[u8]; 3] = [
        b"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
        b"3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0;last\r\nTrailer: t\r\n\r\n",
        b"00a\r\n0123456789\r\n40 ;a\r\n",
    ];
    let mut random = StdRng::seed_from_u64(7);
    for run in 0..3000 {
        let mut input = seeds[run % seeds.len()].to_vec();
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..input.len());
            match random.random_range(0..3) {
                0 => input[at] = random.random(),
                1 => input.insert(at, b"\r\n;0f :\t"[random.random_range(0..8)]),
                _ => drop(input.remove(at)),
            }
        }
        let max = random.random_range(0..120);
        let length = match run % 5 {
            0 => BodyLength::Length(random.random_range(0..60)),
            _ => BodyLength::Chunked,
        };
        let whole = read(length, max, &input);
        let mut pieces = Vec::new();
        let mut rest = &input[..];
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(random.random_range(0..=rest.len().min(9)));
            pieces.push(piece);
            rest = more;
        }
        let cut = read_pieces(length, max, pieces.into_iter());
        assert_eq!(cut, whole, "run {run}: {input:?}");
    }
}
