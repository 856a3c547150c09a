//! Orders to a host to give a model up, and the record of those that it heard.
//!
//! Invariant: an order is carried out once. Each names one host and one model and bears a number; a key's number only rises, and
//! is on disk before anything follows from the order, so that neither an order that was overheard nor one for another host can be
//! given a second time. What was noted and not carried out when the power went is carried out at the next start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Request, Verb, is_sha256, offered};
use crate::trust::{Purpose, SecretKey};
use crate::update::store::{failed, sync_folder, write_synced};
use crate::{Error, Result};

/// A longer order is none, bytes.
pub(super) const LARGEST_ORDER: usize = 1024;
const RECORD: &str = "orders.toml";

/// What a host is to do. On the wire it is TOML in `data`, and `signature` is over those very bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The host, see [`host_of_service`]. No other one obeys.
    pub host: String,
    /// SHA-256 of the manifest of the model to give up.
    pub give_up: String,
    /// Above that of every order before by the same key to this host. The time will do: milliseconds since 1970.
    pub number: u64,
}

impl Order {
    /// From its text.
    ///
    /// # Errors
    /// `PG-1906` for what is no order.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|_| offered("its order is no text"))?;
        let order: Self = toml::from_str(text).map_err(|_| offered("its order cannot be read"))?;
        if is_sha256(&order.give_up) { Ok(order) } else { Err(offered("it names no model to give up")) }
    }

    /// The step that gives it, signed by `key`. Unsigned only hosts obey that take unsigned models as well.
    pub fn request(&self, key: Option<&SecretKey>) -> Request {
        // Three plain fields: TOML can always write them.
        let data = toml::to_string(self).unwrap_or_default().into_bytes();
        let signature = key.map(|key| key.sign(&data, Purpose::Order).to_toml()).unwrap_or_default();
        Request { model: self.give_up.clone(), data, signature, ..Request::new(Verb::Revert) }
    }
}

/// What people call the host whose store answers at this service: its namespace. `/robot1/model_store/transfer` is `robot1`,
/// `/model_store/transfer` is `model_store`.
pub fn host_of_service(service: &str) -> &str {
    let path = service.trim_start_matches('/');
    match path.strip_suffix("model_store/transfer").map(|rest| rest.trim_end_matches('/')) {
        Some("") => "model_store",
        Some(namespace) => namespace,
        None => path.strip_suffix("/transfer").unwrap_or(path),
    }
}

/// The last order of a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    number: u64,
    model: String,
    done: bool,
}

/// The last order of every key.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Record {
    heard: BTreeMap<String, Heard>,
}

/// Cuts the power in tests.
type Step = Box<dyn FnMut(&'static str) + Send>;

impl Record {
    fn path(store: &Path) -> PathBuf {
        store.join(RECORD)
    }

    /// That of a store; empty where no order was ever heard.
    pub fn read(store: &Path) -> Result<Self> {
        let path = Self::path(store);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| Error::OrderRecord { path, detail: error.message().trim().to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::File { action: "read", path, source }),
        }
    }

    /// Notes an order. False when it is the last one again, as after an answer that was lost.
    pub fn admit(&mut self, by: &str, order: &Order) -> Result<bool> {
        if let Some(last) = self.heard.get(by) {
            if order.number == last.number && order.give_up == last.model {
                return Ok(false);
            }
            if order.number <= last.number {
                return Err(Error::OrderOld { given: order.number, heard: last.number });
            }
        }
        let heard = Heard { number: order.number, model: order.give_up.clone(), done: false };
        self.heard.insert(by.to_owned(), heard);
        Ok(true)
    }

    /// Models that are to be given up, and are not yet as far as is known.
    pub fn open(&self) -> Vec<String> {
        self.heard.values().filter(|heard| !heard.done).map(|heard| heard.model.clone()).collect()
    }

    /// All are carried out.
    pub fn close(&mut self) {
        self.heard.values_mut().for_each(|heard| heard.done = true);
    }

    /// On disk whole, or as it was.
    pub fn write(&self, store: &Path, step: &mut Step) -> Result<()> {
        let (path, fresh) = (Self::path(store), store.join("orders.new"));
        let detail =
            |error: toml::ser::Error| Error::OrderRecord { path: path.clone(), detail: error.to_string() };
        let text = toml::to_string(self).map_err(detail)?;
        step("note the order");
        write_synced(&fresh, text.as_bytes(), step)?;
        step("rename the record of orders");
        fs::rename(&fresh, &path).map_err(failed("replace", &path))?;
        sync_folder(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(number: u64, model: u8) -> Order {
        Order { host: "robot1".into(), give_up: format!("{model:02x}").repeat(32), number }
    }

    #[test]
    fn numbers_of_a_key_only_rise_and_keys_do_not_mind_each_other() {
        let mut record = Record::default();
        assert!(record.admit("a", &order(5, 1)).unwrap());
        assert_eq!(record.open(), [order(0, 1).give_up]);
        assert!(!record.admit("a", &order(5, 1)).unwrap(), "the answer was lost");
        for (number, model) in [(5, 2), (4, 1), (0, 3)] {
            assert_eq!(record.admit("a", &order(number, model)).unwrap_err().code(), "PG-1915");
        }
        record.close();
        assert!(record.open().is_empty());
        assert!(record.admit("b", &order(1, 1)).unwrap() && record.admit("a", &order(6, 2)).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut step: Step = Box::new(|_| ());
        record.write(folder.path(), &mut step).unwrap();
        assert_eq!(Record::read(folder.path()).unwrap(), record);
        fs::write(folder.path().join(RECORD), "a = 7").unwrap();
        assert_eq!(Record::read(folder.path()).unwrap_err().code(), "PG-1917");
    }

    #[test]
    fn an_order_reads_back_and_nothing_else_is_one() {
        let given = order(7, 9);
        let request = given.request(Some(&SecretKey::from_seed(&[1; 32])));
        assert_eq!(Order::parse(&request.data).unwrap(), given);
        assert_eq!(request.model, given.give_up);
        assert!(given.request(None).signature.is_empty());
        for text in [&b""[..], b"\xff", b"host = \"a\"\ngive_up = \"b\"\nnumber = 1\n", b"number = -1"] {
            assert_eq!(Order::parse(text).unwrap_err().code(), "PG-1906");
        }
    }

    #[test]
    fn a_host_is_called_by_its_namespace() {
        for (service, name) in [
            ("/robot1/model_store/transfer", "robot1"),
            ("/fleet/r7/model_store/transfer", "fleet/r7"),
            ("/model_store/transfer", "model_store"),
            ("/robot1/other/transfer", "robot1/other"),
        ] {
            assert_eq!(host_of_service(service), name);
        }
    }
}
