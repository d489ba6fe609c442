//! Times of beats of an UltraStar file, whose tempo may change.

/// Beats of the notes in one beat of `#BPM`.
const NOTE_BEATS: f64 = 4.0;

/// A tempo from a beat on.
struct Piece {
    from_beat: f64,
    from_s: f64,
    beat_s: f64,
}

/// Converts beats to seconds.
pub(super) struct Tempo {
    /// The first tempo is valid for earlier beats too.
    pieces: Vec<Piece>,
    first: Piece,
}

impl Tempo {
    /// `bpm` up to the first of `changes`, which are beats and the tempo from there on; beat 0 is at `gap_s`.
    pub fn new(bpm: f64, gap_s: f64, mut changes: Vec<(f64, f64)>) -> Self {
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let piece = |from_beat, from_s, bpm: f64| Piece {
            from_beat,
            from_s,
            beat_s: 60.0 / bpm / NOTE_BEATS,
        };
        let mut tempo = Self {
            first: piece(0.0, gap_s, bpm),
            pieces: Vec::new(),
        };
        for (beat, bpm) in changes {
            let at_s = tempo.seconds(beat);
            tempo.pieces.push(piece(beat, at_s, bpm));
        }
        tempo
    }

    /// The time of a beat.
    pub fn seconds(&self, beat: f64) -> f64 {
        let after = self.pieces.partition_point(|piece| piece.from_beat <= beat);
        let piece = after.checked_sub(1).and_then(|i| self.pieces.get(i));
        let piece = piece.unwrap_or(&self.first);
        piece.from_s + (beat - piece.from_beat) * piece.beat_s
    }
}
