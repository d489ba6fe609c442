//! Writes WAV files and their relatives with any header.

pub const RATE_HZ: u32 = 22_050;
/// What follows the tag in the sub-format of WAVE_FORMAT_EXTENSIBLE.
const GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Encoding of the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    U8,
    Integer { bytes: usize },
    F32,
    F64,
    Alaw,
    Mulaw,
}

/// Layout of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layout {
    Riff,
    Rifx,
    Rf64,
    Bw64,
    Wave64,
    Aiff,
}

/// How a size is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    Honest,
    Zero,
    Unknown,
    Short(u32),
}

#[derive(Debug, Clone)]
pub struct File {
    pub layout: Layout,
    pub kind: Kind,
    pub channels: u16,
    /// Bytes of the format chunk; 40 is WAVE_FORMAT_EXTENSIBLE.
    pub format_bytes: usize,
    /// Sizes of other chunks before the sound, and after it.
    pub before: Vec<usize>,
    pub after: Vec<usize>,
    /// Other chunks come before the format too.
    pub format_last: bool,
    pub padded: bool,
    pub form_size: Size,
    pub data_size: Size,
}

impl File {
    pub fn plain(kind: Kind, channels: u16) -> Self {
        Self {
            layout: Layout::Riff,
            kind,
            channels,
            format_bytes: 16,
            before: vec![],
            after: vec![],
            format_last: false,
            padded: true,
            form_size: Size::Honest,
            data_size: Size::Honest,
        }
    }

    fn is_big(&self) -> bool {
        matches!(self.layout, Layout::Rifx | Layout::Aiff)
    }

    fn number(&self, value: u64, bytes: usize) -> Vec<u8> {
        let mut number = value.to_le_bytes()[..bytes].to_vec();
        if self.is_big() {
            number.reverse();
        }
        number
    }

    fn sample(&self, x: f32) -> Vec<u8> {
        let integer = i64::from((f64::from(x) * 2_147_483_520.0) as i32);
        let mut bytes = match self.kind {
            Kind::U8 if self.layout == Layout::Aiff => vec![(integer >> 24) as u8],
            Kind::U8 => vec![(integer >> 24) as u8 ^ 0x80],
            Kind::Integer { bytes } => integer.to_le_bytes()[4 - bytes..4].to_vec(),
            Kind::F32 => x.to_le_bytes().to_vec(),
            Kind::F64 => f64::from(x).to_le_bytes().to_vec(),
            // Any byte is a sample.
            Kind::Alaw | Kind::Mulaw => vec![(integer >> 23) as u8],
        };
        if self.is_big() {
            bytes.reverse();
        }
        bytes
    }

    fn format(&self) -> Vec<u8> {
        let bytes = self.sample(0.0).len();
        let tag = match self.kind {
            Kind::U8 | Kind::Integer { .. } => 1u16,
            Kind::F32 | Kind::F64 => 3,
            Kind::Alaw => 6,
            Kind::Mulaw => 7,
        };
        if self.layout == Layout::Aiff {
            let mut comm = [self.channels.to_be_bytes(), [0, 0], [0, 0]].concat();
            comm.extend((8 * bytes as u16).to_be_bytes());
            comm.extend([0x40, 0x0D, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]);
            match self.kind {
                Kind::U8 | Kind::Integer { .. } => {}
                Kind::F32 => comm.extend(b"fl32"),
                Kind::F64 => comm.extend(b"fl64"),
                Kind::Alaw => comm.extend(b"alaw"),
                Kind::Mulaw => comm.extend(b"ulaw"),
            }
            return comm;
        }
        let block = bytes * usize::from(self.channels);
        let extensible = self.format_bytes >= 40;
        let mut fmt = Vec::new();
        fmt.extend(self.number(if extensible { 0xFFFE } else { tag.into() }, 2));
        fmt.extend(self.number(self.channels.into(), 2));
        fmt.extend(self.number(RATE_HZ.into(), 4));
        fmt.extend(self.number(u64::from(RATE_HZ) * block as u64, 4));
        fmt.extend(self.number(block as u64, 2));
        fmt.extend(self.number(8 * bytes as u64, 2));
        if extensible {
            fmt.extend(self.number(22, 2));
            fmt.extend(self.number(8 * bytes as u64, 2));
            fmt.extend([0; 4]);
            fmt.extend(self.number(tag.into(), 2));
            fmt.extend(GUID);
        }
        fmt.resize(self.format_bytes, 0);
        fmt
    }

    fn chunk(&self, id: &[u8; 4], content: &[u8], size: Size) -> Vec<u8> {
        let mut chunk = id.to_vec();
        if self.layout == Layout::Wave64 {
            chunk.extend([
                0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
            ]);
        }
        let header = if self.layout == Layout::Wave64 { 24 } else { 0 };
        let honest = (header + content.len()) as u64;
        let is_rf64 = matches!(self.layout, Layout::Rf64 | Layout::Bw64);
        let is_unsized = size != Size::Honest && !is_rf64;
        let size = match size {
            Size::Honest => honest,
            Size::Zero => 0,
            Size::Unknown => u64::MAX,
            Size::Short(less) => honest.saturating_sub(less.into()).max(1),
        };
        chunk.extend(self.number(size, if self.layout == Layout::Wave64 { 8 } else { 4 }));
        chunk.extend(content);
        match self.layout {
            // Where the sound ends cannot be told from its padding.
            _ if is_unsized => {}
            Layout::Wave64 => chunk.resize(chunk.len().next_multiple_of(8), 0),
            _ if self.padded => chunk.resize(chunk.len().next_multiple_of(2), 0),
            _ => {}
        }
        chunk
    }

    fn other(&self, size: usize, n: usize) -> Vec<u8> {
        let ids = [
            b"LIST", b"fact", b"JUNK", b"bext", b"iXML", b"cue ", b"Zz9!",
        ];
        let content: Vec<u8> = (0..size).map(|at| (at * 37 + n) as u8).collect();
        self.chunk(ids[n % ids.len()], &content, Size::Honest)
    }

    pub fn bytes(&self, samples: &[f32]) -> Vec<u8> {
        let format_id = if self.layout == Layout::Aiff {
            b"COMM"
        } else {
            b"fmt "
        };
        let format = self.chunk(format_id, &self.format(), Size::Honest);
        let others: Vec<u8> = (0..)
            .zip(&self.before)
            .flat_map(|(n, &s)| self.other(s, n))
            .collect();
        let mut sound: Vec<u8> = samples.iter().flat_map(|&x| self.sample(x)).collect();
        let (mark, kind): (&[u8; 4], &[u8; 4]) = match self.layout {
            Layout::Riff => (b"RIFF", b"WAVE"),
            Layout::Rifx => (b"RIFX", b"WAVE"),
            Layout::Rf64 => (b"RF64", b"WAVE"),
            Layout::Bw64 => (b"BW64", b"WAVE"),
            Layout::Wave64 => (b"riff", b"wave"),
            Layout::Aiff if matches!(self.kind, Kind::U8 | Kind::Integer { .. }) => {
                (b"FORM", b"AIFF")
            }
            Layout::Aiff => (b"FORM", b"AIFC"),
        };
        let mut body = Vec::new();
        if matches!(self.layout, Layout::Rf64 | Layout::Bw64) {
            let size = sound.len() as u64;
            let ds64 = [&0u64.to_le_bytes()[..], &size.to_le_bytes(), &[0; 12]].concat();
            body.extend(self.chunk(b"ds64", &ds64, Size::Honest));
        }
        match self.format_last {
            true => body.extend([others, format].concat()),
            false => body.extend([format, others].concat()),
        }
        if self.layout == Layout::Aiff {
            sound.splice(0..0, [0; 8]);
        }
        let data_size = match self.layout {
            Layout::Rf64 | Layout::Bw64 => Size::Unknown,
            _ => self.data_size,
        };
        let data_id = if self.layout == Layout::Aiff {
            b"SSND"
        } else {
            b"data"
        };
        body.extend(self.chunk(data_id, &sound, data_size));
        for (n, &size) in (0..).zip(&self.after) {
            body.extend(self.other(size, n));
        }
        if self.layout == Layout::Wave64 {
            let guid = [
                0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 4, 0xC1, 0, 0,
            ];
            let all = (40 + body.len() as u64).to_le_bytes();
            let wave = [
                0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
            ];
            return [&mark[..], &guid, &all, kind, &wave, &body].concat();
        }
        let size = match self.form_size {
            Size::Honest => body.len() as u64 + 4,
            Size::Zero => 0,
            Size::Unknown => u64::from(u32::MAX),
            Size::Short(less) => body.len() as u64 + 4 - u64::from(less),
        };
        [&mark[..], &self.number(size, 4), kind, &body].concat()
    }
}
