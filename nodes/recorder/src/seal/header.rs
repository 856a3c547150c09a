//! The header: the file key, wrapped for each recipient, and a tag that nobody without the key could have made.

use std::io::Read;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hmac::{Hmac, Mac};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Identity, Recipient, bad, derive, random};
use crate::error::Result;

const VERSION: &str = "age-encryption.org/v1";
const X25519: &str = "age-encryption.org/v1/X25519";
/// A longer header is no header of ours or of `age`.
const LARGEST: usize = 64 * 1024;
/// Columns of wrapped Base64.
const COLUMNS: usize = 64;

/// The key of one file.
pub(super) type FileKey = [u8; 16];

/// A new file key, and the header that wraps it.
pub(super) fn write(recipients: &[Recipient]) -> Result<(FileKey, Vec<u8>)> {
    if recipients.is_empty() {
        return Err(bad("nobody is to read it; name recipients"));
    }
    let key: FileKey = random()?;
    let mut text = format!("{VERSION}\n");
    for recipient in recipients {
        let ephemeral = StaticSecret::from(random::<32>()?);
        let share = PublicKey::from(&ephemeral);
        let wrap = wrap_key(
            ephemeral.diffie_hellman(&recipient.0).as_bytes(),
            share.as_bytes(),
            recipient.0.as_bytes(),
        );
        let body = wrap.and_then(|wrap| cipher(&wrap).encrypt(&Nonce::default(), key.as_slice()).ok());
        let body =
            body.ok_or_else(|| bad(format!("'{recipient}' is no key that anything can be sealed for")))?;
        text += &format!("-> X25519 {}\n", base64(share.as_bytes()));
        let body = base64(&body);
        for line in body.as_bytes().chunks(COLUMNS) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
    }
    text += "---";
    let tag = tag(&key, text.as_bytes())?.finalize().into_bytes();
    text += &format!(" {}\n", base64(&tag));
    Ok((key, text.into_bytes()))
}

/// Reads a header up to its last line: the file key, and how many bytes it took.
pub(super) fn read(from: &mut impl Read, identities: &[Identity]) -> Result<(FileKey, u64)> {
    let mut text = Vec::new();
    let mut byte = [0];
    // To the line that begins with `---`: byte by byte, for what follows is not ours to take.
    loop {
        match from.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            Ok(_) => return Err(bad("it breaks off in its header")),
            Err(error) => return Err(bad(error.to_string())),
        }
        if text.len() > LARGEST || (text.len() == VERSION.len() && text != VERSION.as_bytes()) {
            return Err(bad("it is no file of the age format, version 1"));
        }
        let line = text.iter().rev().skip(1).position(|b| *b == b'\n').map_or(0, |at| text.len() - 1 - at);
        if byte[0] == b'\n' && text[line..].starts_with(b"---") {
            break;
        }
    }
    let length = text.len() as u64;
    let text = String::from_utf8(text).map_err(|_| bad("its header is no text"))?;
    let (signed, mac) = text.rsplit_once("--- ").ok_or_else(|| bad("its header has no tag"))?;
    let mac = unbase64(mac.trim_end_matches('\n')).ok_or_else(|| bad("its header's tag is none"))?;
    let mut lines = signed.lines().skip(1).peekable();
    let mut key = None;
    while let Some(line) = lines.next() {
        let words = line.strip_prefix("-> ").ok_or_else(|| bad("a line of its header is none"))?;
        let mut body = String::new();
        loop {
            let part = lines.next().ok_or_else(|| bad("its header breaks off"))?;
            body.push_str(part);
            if part.len() > COLUMNS {
                return Err(bad("a line of its header is too long"));
            }
            if part.len() < COLUMNS {
                break;
            }
        }
        let words: Vec<&str> = words.split(' ').collect();
        // Other ways of wrapping (passphrases, SSH, plugins) are somebody else's.
        let ["X25519", share] = words.as_slice() else { continue };
        let share = unbase64(share).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let body = unbase64(&body).filter(|body| body.len() == 32);
        let (Some(share), Some(body)) = (share, body) else { return Err(bad("a key in its header is none")) };
        for identity in identities {
            key = key.or_else(|| unwrap(identity, &share, &body));
        }
    }
    let key = key.ok_or_else(|| {
        bad("none of the identities is one that it was sealed for; give --identity the right file")
    })?;
    // Through the dashes, not the space after them.
    let signed = &text.as_bytes()[..signed.len() + 3];
    if tag(&key, signed)?.verify_slice(&mac).is_err() {
        return Err(bad("its header was altered"));
    }
    Ok((key, length))
}

fn unwrap(identity: &Identity, share: &[u8; 32], body: &[u8]) -> Option<FileKey> {
    let shared = identity.0.diffie_hellman(&PublicKey::from(*share));
    let wrap = wrap_key(shared.as_bytes(), share, identity.recipient().0.as_bytes())?;
    cipher(&wrap).decrypt(&Nonce::default(), body).ok()?.try_into().ok()
}

/// `None` for a shared secret of nothing but zeros: a key that is no point of the curve's large group.
fn wrap_key(shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> Option<[u8; 32]> {
    let some = shared.iter().fold(0, |all, byte| all | byte) != 0;
    some.then(|| derive(shared, &[share.as_slice(), recipient].concat(), X25519.as_bytes()))
}

pub(super) fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}

fn tag(key: &FileKey, text: &[u8]) -> Result<Hmac<sha2::Sha256>> {
    // Keys of any length will do: the error is the trait's.
    let mac = <Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(&derive(key, &[], b"header"));
    let mut mac = mac.map_err(|error| bad(error.to_string()))?;
    mac.update(text);
    Ok(mac)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 without padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for index in 0..=group.len() {
            text.push(char::from(BASE64[(word >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

/// The same back; `None` for anything that [`base64`] would not have written.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for letter in group {
            word = word << 6 | BASE64.iter().position(|own| own == letter)? as u32;
        }
        let count = (group.len() * 6) / 8;
        word <<= 6 * (4 - group.len());
        bytes.extend((0..count).map(|index| (word >> (16 - 8 * index)) as u8));
    }
    (base64(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_rfcs_and_no_other_spelling_is_read() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
            assert_eq!(unbase64(text).unwrap(), bytes.as_bytes());
        }
        for text in ["Z", "Zg==", "Zh", "Zm9", "Zm 8", "Zm9v\n"] {
            assert_eq!(unbase64(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_is_read_by_its_recipients_alone_and_not_when_it_was_altered() {
        let (one, two, other) =
            (Identity::generate().unwrap(), Identity::generate().unwrap(), Identity::generate().unwrap());
        let (key, header) = write(&[one.recipient(), two.recipient()]).unwrap();
        for own in [&one, &two] {
            let (found, length) = read(&mut header.as_slice(), &[other.clone(), own.clone()]).unwrap();
            assert_eq!((found, length), (key, header.len() as u64));
        }
        let error = |header: &[u8], own: &Identity| {
            read(&mut &*header, std::slice::from_ref(own)).unwrap_err().to_string()
        };
        assert!(error(&header, &other).contains("none of the identities"));
        for at in 0..header.len() {
            let mut altered = header.clone();
            altered[at] ^= 1;
            assert!(read(&mut altered.as_slice(), std::slice::from_ref(&one)).is_err(), "byte {at}");
            assert!(read(&mut &header[..at], std::slice::from_ref(&one)).is_err(), "cut at {at}");
        }
        assert!(error(&vec![b'a'; 100_000], &one).contains("no file of the age format"));
        assert!(write(&[]).is_err());
        assert!(write(&[Recipient(PublicKey::from([0; 32]))]).is_err(), "a point of small order");
    }
}
