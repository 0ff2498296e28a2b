//! The sequences of 6.5 to 6.23, most of which are from Markus Kuhn's UTF-8 decoder stress test.

use super::WORD;

/// What is UTF-8.
pub(super) fn valid() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    // 6.5: one, two, three and four bytes among letters.
    for middle in ['\u{24}', '\u{A2}', '\u{20AC}', '\u{24B62}'] {
        all.push(format!("hello{middle}world").into_bytes());
    }
    // 6.6: the beginnings of the word that end with a character.
    all.extend(beginnings().filter(|begin| std::str::from_utf8(begin).is_ok()));
    // 6.7, 6.9: the first and the last code point of every length.
    let borders = "\0\u{80}\u{800}\u{10000}\u{7F}\u{7FF}\u{FFFF}\u{10FFFF}";
    // 6.11: around the surrogates, the replacement character.
    let others = "\u{D7FF}\u{E000}\u{FFFD}";
    // 6.23: the block of specials.
    let specials = '\u{FFF9}'..='\u{FFFF}';
    let single = borders.chars().chain(others.chars()).chain(specials);
    // 6.22: code points that are no characters, the last two of every plane. They are UTF-8.
    let planes = (0..=0x10).flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]);
    let single = single.chain(planes.filter_map(char::from_u32));
    all.extend(single.map(|character| character.to_string().into_bytes()));
    all
}

/// What is not.
pub(super) fn invalid() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = FIXED.iter().map(|bytes| bytes.to_vec()).collect();
    // 6.6
    all.extend(beginnings().filter(|begin| std::str::from_utf8(begin).is_err()));
    // 6.12: continuation bytes that continue nothing, one to six of them and all of them.
    all.extend((1..=6).map(|count| [0x80, 0xBF].into_iter().cycle().take(count).collect()));
    all.push(vec![0xBF]);
    all.push((0x80..=0xBF).collect());
    // 6.13: bytes that begin a sequence of two to six, each followed by a blank.
    for starts in [
        0xC0..=0xDF,
        0xE0..=0xEF,
        0xF0..=0xF7,
        0xF8..=0xFB,
        0xFC..=0xFD,
    ] {
        all.push(starts.flat_map(|start| [start, b' ']).collect());
    }
    // 6.14, 6.15: every length without its last byte, the lowest and the highest, alone and in a row.
    all.extend(UNFINISHED.iter().map(|bytes| bytes.to_vec()));
    all.push(UNFINISHED.concat());
    // 6.20, 6.21: surrogates, alone and in pairs.
    all.extend(HIGH.iter().chain(&LOW).map(|half| half.to_vec()));
    for high in HIGH {
        all.extend(LOW.iter().map(|low| [high, *low].concat()));
    }
    all
}

/// Every beginning of the word, itself included.
fn beginnings() -> impl Iterator<Item = Vec<u8>> {
    (1..=WORD.len()).map(|end| WORD[..end].to_vec())
}

const FIXED: [&[u8]; 24] = [
    // 6.8: the first sequences of five and of six bytes.
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    // 6.10: the last ones of four, five and six.
    b"\xf7\xbf\xbf\xbf",
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    // 6.11: one above U+10FFFF.
    b"\xf4\x90\x80\x80",
    // 6.16: bytes that stand in no sequence.
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    // 6.17: a slash in more bytes than it needs.
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    // 6.18: the highest code point of each length that a shorter one could carry.
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x87\xbf\xbf\xbf",
    b"\xfc\x83\xbf\xbf\xbf\xbf",
    // 6.19: NUL in more bytes than one.
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x80\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80",
];

const UNFINISHED: [&[u8]; 10] = [
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
];

const HIGH: [&[u8]; 4] = [
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
];

const LOW: [&[u8]; 3] = [b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"];
