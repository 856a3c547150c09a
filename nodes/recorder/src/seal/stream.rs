//! The payload: chunks of 64 KiB, each with a tag, numbered, the last one marked (STREAM, Hoang et al. 2015).
//!
//! A chunk is written once it is full. To have something on the disk before that, the writer above fills it up
//! ([`Seal::to_boundary`]): to write a chunk half full and again later would use its key stream twice.

use std::io::{self, Read, Seek, SeekFrom, Write};

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};

use super::{Identity, Recipient, bad, derive, header, random};
use crate::error::Result;

/// Bytes of a chunk.
pub const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const NONCE: usize = 16;

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::from(bytes)
}

/// Writes a sealed file.
pub struct Seal<W> {
    to: W,
    cipher: ChaCha20Poly1305,
    number: u64,
    /// The chunk that is not written yet, with room for its tag.
    chunk: Vec<u8>,
    written: u64,
}

impl<W: Write> Seal<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// PG-0820 for recipients that are none.
    pub fn new(mut to: W, recipients: &[Recipient]) -> Result<Self> {
        let (key, text) = header::write(recipients)?;
        let salt: [u8; NONCE] = random()?;
        to.write_all(&text).and_then(|()| to.write_all(&salt)).map_err(|error| bad(error.to_string()))?;
        let cipher = header::cipher(&derive(&key, &salt, b"payload"));
        let written = (text.len() + NONCE) as u64;
        Ok(Self { to, cipher, number: 0, chunk: Vec::with_capacity(CHUNK + TAG), written })
    }

    /// Bytes that fill the present chunk up: 0 when it is full or empty.
    #[must_use]
    pub fn to_boundary(&self) -> usize {
        (CHUNK - self.chunk.len()) % CHUNK
    }

    /// Writes a chunk that is full without waiting for the next byte. More must follow: the last chunk is marked, and may not be
    /// empty.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn push_full(&mut self) -> io::Result<()> {
        if self.chunk.len() == CHUNK { self.push(false) } else { Ok(()) }
    }

    /// Bytes written below so far, whole chunks only.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes the last chunk, and gives the writer back.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        self.push(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn push(&mut self, last: bool) -> io::Result<()> {
        let failed = |_| io::Error::other("the cipher refuses");
        let tag = self.cipher.encrypt_inout_detached(
            &nonce(self.number, last),
            &[],
            self.chunk.as_mut_slice().into(),
        );
        self.chunk.extend_from_slice(tag.map_err(failed)?.as_slice());
        self.number += 1;
        self.to.write_all(&self.chunk)?;
        self.written += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for Seal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.push(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads a sealed file from any place.
pub struct Unseal<R> {
    from: R,
    cipher: ChaCha20Poly1305,
    /// Where the chunks begin.
    start: u64,
    /// Bytes of all chunks, tags included.
    sealed: u64,
    /// Bytes that can be read.
    length: u64,
    complete: bool,
    place: u64,
    /// The chunk that is open, and its number.
    chunk: Vec<u8>,
    open: Option<u64>,
}

impl<R: Read + Seek> Unseal<R> {
    /// Reads the header, and looks whether the file is whole.
    ///
    /// # Errors
    /// PG-0820 for a file that is none, was altered, or was sealed for others.
    pub fn new(mut from: R, identities: &[Identity]) -> Result<Self> {
        let system = |error: io::Error| bad(error.to_string());
        from.rewind().map_err(system)?;
        let (key, header) = header::read(&mut from, identities)?;
        let mut salt = [0; NONCE];
        from.read_exact(&mut salt).map_err(|_| bad("it breaks off behind its header"))?;
        let start = header + NONCE as u64;
        let end = from.seek(SeekFrom::End(0)).map_err(system)?;
        let cipher = header::cipher(&derive(&key, &salt, b"payload"));
        let sealed = end.saturating_sub(start);
        let mut new = Self {
            from,
            cipher,
            start,
            sealed,
            length: 0,
            complete: false,
            place: 0,
            chunk: Vec::with_capacity(CHUNK + TAG),
            open: None,
        };
        let whole = (CHUNK + TAG) as u64;
        let (full, rest) = (sealed / whole, sealed % whole);
        let last = if rest > 0 { full } else { full.saturating_sub(1) };
        // A last chunk that is marked as such: nothing was cut off. An empty one is allowed in an empty file alone.
        let length = if sealed == 0 { None } else { new.load(last, true).ok() };
        if let Some(length) = length.filter(|length| *length > 0 || last == 0) {
            (new.complete, new.length) = (true, last * CHUNK as u64 + length as u64);
        } else {
            // Cut off: what is left of a chunk says nothing.
            new.length = full * CHUNK as u64;
        }
        Ok(new)
    }

    /// Whether the file was finished. One that breaks off gives its whole chunks.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes that can be read.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens a chunk; its length.
    fn load(&mut self, number: u64, last: bool) -> io::Result<usize> {
        if self.open == Some(number) {
            return Ok(self.chunk.len());
        }
        self.open = None;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a chunk was altered or breaks off");
        let whole = (CHUNK + TAG) as u64;
        let begin = number.checked_mul(whole).filter(|begin| *begin < self.sealed).ok_or_else(damaged)?;
        let size = (self.sealed - begin).min(whole) as usize;
        let inner = size.checked_sub(TAG).ok_or_else(damaged)?;
        self.from.seek(SeekFrom::Start(self.start + begin))?;
        self.chunk.resize(size, 0);
        self.from.read_exact(&mut self.chunk)?;
        let tag = Tag::try_from(&self.chunk[inner..]).map_err(|_| damaged())?;
        self.chunk.truncate(inner);
        let opened = self.cipher.decrypt_inout_detached(
            &nonce(number, last),
            &[],
            self.chunk.as_mut_slice().into(),
            &tag,
        );
        opened.map_err(|_| damaged())?;
        self.open = Some(number);
        Ok(inner)
    }
}

impl<R: Read + Seek> Read for Unseal<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.place >= self.length || into.is_empty() {
            return Ok(0);
        }
        let (number, within) = (self.place / CHUNK as u64, (self.place % CHUNK as u64) as usize);
        let last = self.complete && number == (self.length - 1) / CHUNK as u64;
        let inner = self.load(number, last)?;
        let taken = into.len().min(inner.saturating_sub(within));
        into[..taken].copy_from_slice(&self.chunk[within..within + taken]);
        self.place += taken as u64;
        Ok(taken)
    }
}

impl<R: Read + Seek> Seek for Unseal<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
        };
        self.place =
            place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| draw()).collect()
    }

    fn sealed(data: &[u8], identity: &Identity) -> Vec<u8> {
        let mut seal = Seal::new(Vec::new(), &[identity.recipient()]).unwrap();
        seal.write_all(data).unwrap();
        seal.finish().unwrap()
    }

    fn open(bytes: &[u8], identity: &Identity) -> Unseal<Cursor<Vec<u8>>> {
        Unseal::new(Cursor::new(bytes.to_vec()), std::slice::from_ref(identity)).unwrap()
    }

    #[test]
    fn every_length_comes_back_from_any_place() {
        let identity = Identity::generate().unwrap();
        for length in [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77] {
            let data = noise(length);
            let mut unseal = open(&sealed(&data, &identity), &identity);
            assert!(unseal.is_complete(), "{length}");
            assert_eq!(unseal.length(), length as u64);
            let mut back = Vec::new();
            unseal.read_to_end(&mut back).unwrap();
            assert_eq!(back, data, "{length}");
            for from in [length / 3, length.saturating_sub(5), length] {
                unseal.seek(SeekFrom::Start(from as u64)).unwrap();
                back.clear();
                unseal.read_to_end(&mut back).unwrap();
                assert_eq!(back, data[from..], "{length} from {from}");
            }
            assert!(unseal.seek(SeekFrom::End(-1 - length as i64)).is_err());
        }
    }

    #[test]
    fn a_cut_file_gives_its_whole_chunks_and_an_altered_one_nothing_of_them() {
        let identity = Identity::generate().unwrap();
        let data = noise(3 * CHUNK + 77);
        let bytes = sealed(&data, &identity);
        let start = bytes.len() - 3 * (CHUNK + TAG) - 77 - TAG;
        for (kept, chunks) in
            [(0, 0), (20, 0), (CHUNK + TAG, 1), (CHUNK + TAG + 15, 1), (3 * (CHUNK + TAG) + 50, 3)]
        {
            let mut unseal = open(&bytes[..start + kept], &identity);
            assert!(!unseal.is_complete(), "{kept}");
            let mut back = Vec::new();
            unseal.read_to_end(&mut back).unwrap();
            assert_eq!(back, data[..chunks * CHUNK], "{kept}");
        }
        let mut altered = bytes.clone();
        altered[start + CHUNK + TAG + 9] ^= 1;
        let mut unseal = open(&altered, &identity);
        let mut back = Vec::new();
        assert!(unseal.read_to_end(&mut back).is_err());
        assert_eq!(back, data[..CHUNK], "up to the damage");
        // Chunks that have changed places are no chunks.
        let mut swapped = bytes.clone();
        let (one, two) = (start..start + CHUNK + TAG, start + CHUNK + TAG..start + 2 * (CHUNK + TAG));
        swapped[one.clone()].copy_from_slice(&bytes[two.clone()]);
        swapped[two].copy_from_slice(&bytes[one]);
        assert!(open(&swapped, &identity).read_to_end(&mut back).is_err());
    }

    #[test]
    fn a_chunk_that_was_filled_up_is_there_at_once() {
        let identity = Identity::generate().unwrap();
        let mut seal = Seal::new(Vec::new(), &[identity.recipient()]).unwrap();
        let before = seal.written();
        seal.write_all(&[1; 1000]).unwrap();
        assert_eq!((seal.to_boundary(), seal.written()), (CHUNK - 1000, before));
        seal.write_all(&vec![0; CHUNK - 1000]).unwrap();
        assert_eq!((seal.to_boundary(), seal.written()), (0, before), "it waits: it may be the last one");
        seal.push_full().unwrap();
        assert_eq!(seal.written(), before + (CHUNK + TAG) as u64);
        seal.push_full().unwrap();
        seal.write_all(&[2; 10]).unwrap();
        assert_eq!(open(&seal.finish().unwrap(), &identity).length(), CHUNK as u64 + 10);
    }
}
