//! Public and secret keys as text: Bech32 (BIP 173) of 32 bytes.

use std::path::Path;
use std::str::FromStr;

use x25519_dalek::{PublicKey, StaticSecret};

use super::{bad, random};
use crate::error::{RecorderError, Result};

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";
/// A file of keys that is longer is none.
const LARGEST: u64 = 1 << 20;

/// Whoever can read what is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient(pub(super) PublicKey);

/// The secret of a [`Recipient`].
#[derive(Clone)]
pub struct Identity(pub(super) StaticSecret);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.recipient())
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(RECIPIENT, self.0.as_bytes()))
    }
}

impl FromStr for Recipient {
    type Err = RecorderError;

    fn from_str(text: &str) -> Result<Self> {
        let why =
            |reason: &str| bad(format!("'{text}' is no recipient: {reason}; write age1 and 58 more letters"));
        if text.starts_with("ssh-") || text.starts_with("age1yubikey") {
            return Err(why("keys of SSH and of plugins are not read"));
        }
        Ok(Self(PublicKey::from(decode(text, RECIPIENT).map_err(why)?)))
    }
}

impl Identity {
    /// A new one, from the system's source of randomness.
    ///
    /// # Errors
    /// PG-0820 when that source fails.
    pub fn generate() -> Result<Self> {
        Ok(Self(StaticSecret::from(random::<32>()?)))
    }

    /// Its public half.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }

    /// `AGE-SECRET-KEY-1...`: for its file, for nobody else.
    #[must_use]
    pub fn secret(&self) -> String {
        encode(IDENTITY, self.0.as_bytes()).to_ascii_uppercase()
    }
}

impl FromStr for Identity {
    type Err = RecorderError;

    fn from_str(text: &str) -> Result<Self> {
        // The text is a secret: it is not repeated.
        let why = |reason: &str| {
            bad(format!("a line is no identity: {reason}; write AGE-SECRET-KEY-1 and 58 more letters"))
        };
        Ok(Self(StaticSecret::from(decode(text, IDENTITY).map_err(why)?)))
    }
}

/// Identities of a file, one a line, `#` before remarks: as `age-keygen` writes it.
///
/// # Errors
/// PG-0820 for a file that cannot be read, or holds none.
pub fn read_identities(path: &Path) -> Result<Vec<Identity>> {
    lines(path)?.iter().map(|line| line.parse()).collect()
}

/// Recipients: `age1...`, or files with one a line.
///
/// # Errors
/// PG-0820.
pub fn read_recipients(texts: &[String]) -> Result<Vec<Recipient>> {
    let mut all = Vec::new();
    for text in texts {
        if text.starts_with("age1") || text.starts_with("ssh-") {
            all.push(text.parse()?);
        } else {
            for line in lines(Path::new(text))? {
                all.push(line.parse()?);
            }
        }
    }
    Ok(all)
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let why = |reason: String| bad(format!("'{}' is no file of keys: {reason}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| why(error.to_string()))?.len();
    if size > LARGEST {
        return Err(why(format!("it has {size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| why(error.to_string()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() { Err(why("it holds none".to_owned())) } else { Ok(lines) }
}

fn checksum(prefix: &str, values: impl Iterator<Item = u8>) -> u32 {
    let step = |sum: u32, value: u8| {
        let top = sum >> 25;
        let mut sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        for (bit, generator) in
            [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].iter().enumerate()
        {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
        sum
    };
    let high = prefix.bytes().map(|letter| letter >> 5);
    let low = prefix.bytes().map(|letter| letter & 31);
    high.chain([0]).chain(low).chain(values).fold(1, step)
}

/// Groups of `from` bits as groups of `to`.
fn regroup(values: impl Iterator<Item = u8>, from: u32, to: u32) -> (Vec<u8>, u32, u32) {
    let (mut all, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for value in values {
        held = held << from | u32::from(value);
        bits += from;
        while bits >= to {
            bits -= to;
            all.push((held >> bits & ((1 << to) - 1)) as u8);
        }
        held &= (1 << bits) - 1;
    }
    (all, held, bits)
}

fn encode(prefix: &str, key: &[u8; 32]) -> String {
    let (mut values, held, bits) = regroup(key.iter().copied(), 8, 5);
    if bits > 0 {
        values.push((held << (5 - bits)) as u8);
    }
    let sum = checksum(prefix, values.iter().copied().chain([0; 6])) ^ 1;
    values.extend((0..6).rev().map(|index| (sum >> (5 * index) & 31) as u8));
    let letters = values.iter().map(|value| char::from(LETTERS[usize::from(*value)]));
    prefix.chars().chain(['1']).chain(letters).collect()
}

fn decode(text: &str, prefix: &str) -> std::result::Result<[u8; 32], &'static str> {
    let lower = text.to_ascii_lowercase();
    if text != lower && text != text.to_ascii_uppercase() {
        return Err("it mixes small and capital letters");
    }
    let rest = lower.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('1'));
    let rest = rest.ok_or("it begins otherwise")?;
    let value = |letter: u8| LETTERS.iter().position(|own| *own == letter).map(|at| at as u8);
    let values: Option<Vec<u8>> = rest.bytes().map(value).collect();
    let values = values.ok_or("it has letters that no key has")?;
    if values.len() != 58 {
        return Err("it is too long or too short");
    }
    if checksum(prefix, values.iter().copied()) != 1 {
        return Err("a letter of it is wrong");
    }
    let (key, held, _) = regroup(values[..52].iter().copied(), 5, 8);
    let key: [u8; 32] = key.try_into().map_err(|_| "it is no key")?;
    if held == 0 { Ok(key) } else { Err("it is no key") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_age_keygen_writes_them() {
        // From the documentation of age: a pair that belongs together.
        let secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        let identity: Identity = secret.parse().unwrap();
        assert_eq!(identity.0.as_bytes(), &[0x42; 32]);
        assert_eq!(identity.secret(), secret);
        assert_eq!(
            identity.recipient().to_string(),
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
        );
        assert_eq!(identity.recipient().to_string().parse::<Recipient>().unwrap(), identity.recipient());
        let again: Identity = Identity::generate().unwrap().secret().parse().unwrap();
        assert_eq!(again.secret().parse::<Identity>().unwrap().recipient(), again.recipient());
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_a_secret() {
        let good = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        for text in [
            "",
            "age1",
            "age1abc",
            &good[1..],
            &good.replace('z', "y"),
            &format!("{good}q"),
            &good.replace("age1z", "age1Z"),
            "ssh-ed25519 AAAA",
        ] {
            let error = text.parse::<Recipient>().unwrap_err().to_string();
            assert!(error.starts_with("PG-0820") && error.contains("no recipient"), "{error}");
        }
        let error = "AGE-SECRET-KEY-1QQQQ".parse::<Identity>().unwrap_err().to_string();
        assert!(!error.contains("QQQQ"), "{error}");
        assert!(good.parse::<Identity>().is_err(), "a public key is no secret one");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.txt");
        std::fs::write(&file, format!("# fleet\n\n{good}\n")).unwrap();
        let all = read_recipients(&[file.display().to_string(), good.to_owned()]).unwrap();
        assert_eq!(all.len(), 2);
        std::fs::write(&file, "# none\n").unwrap();
        assert!(
            read_recipients(&[file.display().to_string()]).unwrap_err().to_string().contains("holds none")
        );
        assert!(read_identities(Path::new("/no/such/file")).is_err());
    }
}
