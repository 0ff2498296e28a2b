//! A decoder of deflate (RFC 1951) that knows nothing of zlib and holds a sender to its window.
//!
//! Slow and simple on purpose. A decoder of zlib's does for windows of 32 KiB only: the one here
//! panics on a distance that the agreed window does not cover.

/// One direction of a connection.
pub(super) struct Inflater {
    window: usize,
    /// What was decoded so far.
    history: Vec<u8>,
}

impl Inflater {
    /// For a window of 2^bits bytes.
    pub(super) fn new(bits: u8) -> Self {
        Self {
            window: 1 << bits,
            history: Vec::new(),
        }
    }

    /// Forgets what was decoded.
    pub(super) fn reset(&mut self) {
        self.history.clear();
    }

    /// Decodes the payload of a message, whose end was cut off (RFC 7692 §7.2.2).
    #[track_caller]
    pub(super) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        let bytes = [payload, &[0, 0, 0xFF, 0xFF]].concat();
        let start = self.history.len();
        let mut bits = Bits {
            bytes: &bytes,
            at: 0,
        };
        while bits.at.div_ceil(8) < bytes.len() {
            let last = bits.take(1) == 1;
            match bits.take(2) {
                0 => self.stored(&mut bits),
                1 => self.compressed(&mut bits, &fixed()),
                2 => {
                    let codes = dynamic(&mut bits);
                    self.compressed(&mut bits, &codes);
                }
                kind => panic!("a block of kind {kind}"),
            }
            if last {
                bits.align();
            }
        }
        self.history[start..].to_vec()
    }

    fn stored(&mut self, bits: &mut Bits<'_>) {
        bits.align();
        let (length, inverse) = (bits.take(16), bits.take(16));
        assert_eq!(length, !inverse & 0xFFFF, "the length of a stored block");
        self.history.extend((0..length).map(|_| bits.take(8) as u8));
    }

    #[track_caller]
    fn compressed(&mut self, bits: &mut Bits<'_>, codes: &[Code; 2]) {
        loop {
            let symbol = codes[0].symbol(bits);
            match symbol {
                0..256 => self.history.push(symbol as u8),
                256 => return,
                _ => {
                    let length = length(symbol, bits);
                    let distance = distance(codes[1].symbol(bits), bits);
                    let reach = self.window.min(self.history.len());
                    assert!(distance <= reach, "{distance} back where {reach} is agreed");
                    for _ in 0..length {
                        let byte = self.history[self.history.len() - distance];
                        self.history.push(byte);
                    }
                }
            }
        }
    }
}

/// Bits from the lowest of each byte up (RFC 1951 §3.1.1).
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> usize {
        (0..count).fold(0, |value, place| {
            let bit = self.bytes[self.at / 8] >> (self.at % 8) & 1;
            self.at += 1;
            value | usize::from(bit) << place
        })
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

/// A Huffman code given by the lengths of its words (§3.2.2).
struct Code {
    /// How many words there are of each length.
    counts: [usize; 16],
    /// The symbols by their words.
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut symbols: Vec<usize> = (0..lengths.len())
            .filter(|symbol| lengths[*symbol] > 0)
            .collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        Self { counts, symbols }
    }

    #[track_caller]
    fn symbol(&self, bits: &mut Bits<'_>) -> usize {
        // The first word of each length, and how many shorter ones there are.
        let (mut word, mut first, mut shorter) = (0, 0, 0);
        for count in &self.counts[1..] {
            word |= bits.take(1);
            if word < first + count {
                return self.symbols[shorter + word - first];
            }
            shorter += count;
            first = (first + count) << 1;
            word <<= 1;
        }
        panic!("a word that stands for nothing")
    }
}

/// §3.2.6
fn fixed() -> [Code; 2] {
    let literals = [(8, 144), (9, 112), (7, 24), (8, 8)]
        .into_iter()
        .flat_map(|(length, count)| std::iter::repeat_n(length, count));
    [
        Code::new(&literals.collect::<Vec<_>>()),
        Code::new(&[5; 30]),
    ]
}

/// §3.2.7
fn dynamic(bits: &mut Bits<'_>) -> [Code; 2] {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let (literals, distances) = (bits.take(5) + 257, bits.take(5) + 1);
    let (used, mut of_lengths) = (bits.take(4) + 4, [0; 19]);
    for place in &ORDER[..used] {
        of_lengths[*place] = bits.take(3) as u8;
    }
    let code = Code::new(&of_lengths);
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.symbol(bits) {
            16 => (lengths[lengths.len() - 1], 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    let (literals, distances) = lengths.split_at(literals);
    [Code::new(literals), Code::new(distances)]
}

/// §3.2.5: four symbols for each number of extra bits, from 265 on.
fn length(symbol: usize, bits: &mut Bits<'_>) -> usize {
    match symbol - 257 {
        near @ 0..8 => near + 3,
        28 => 258,
        far => {
            let extra = far / 4 - 1;
            ((4 + far % 4) << extra) + 3 + bits.take(extra)
        }
    }
}

/// §3.2.5: two symbols for each number of extra bits, from 4 on.
fn distance(symbol: usize, bits: &mut Bits<'_>) -> usize {
    match symbol {
        near @ 0..4 => near + 1,
        far => {
            let extra = far / 2 - 1;
            ((2 + far % 2) << extra) + 1 + bits.take(extra)
        }
    }
}
