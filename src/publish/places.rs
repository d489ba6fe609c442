//! Places for the clients of a server: limited in all, and for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The limits, and who has a place.
pub struct Places {
    table: &'static str,
    all_max: AtomicUsize,
    address_max: AtomicUsize,
    taken: Mutex<Taken>,
    left: Notify,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

/// Why a client gets no place, with the setting that would allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// As many clients as the limit.
    #[error("there are {clients} clients already; {table}.clients_max allows more")]
    All {
        /// The limit.
        clients: usize,
        /// The table of the configuration that sets it.
        table: &'static str,
    },
    /// As many clients of one address as the limit.
    #[error(
        "there are {clients} clients from this address already; {table}.clients_per_address_max allows more"
    )]
    Address {
        /// The limit.
        clients: usize,
        /// The table of the configuration that sets it.
        table: &'static str,
    },
}

impl Places {
    /// `table`: of the configuration, as `publish.http`.
    pub fn new(table: &'static str, all_max: usize, address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            table,
            all_max: all_max.into(),
            address_max: address_max.into(),
            taken: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Other limits for those who come from now on. Whoever has a place keeps it.
    pub fn set_limits(&self, all_max: usize, address_max: usize) {
        self.all_max.store(all_max, Ordering::Relaxed);
        self.address_max.store(address_max, Ordering::Relaxed);
    }

    /// A place until it is dropped. Clients without an address share only the limit of all.
    pub fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Full> {
        let mut taken = self.taken();
        let table = self.table;
        let clients = self.all_max.load(Ordering::Relaxed);
        if taken.all >= clients {
            return Err(Full::All { clients, table });
        }
        let network = address.map(network);
        if let Some(network) = network {
            let count = taken.by_network.entry(network).or_default();
            let clients = self.address_max.load(Ordering::Relaxed);
            if *count >= clients {
                return Err(Full::Address { clients, table });
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Place {
            places: Arc::clone(self),
            network,
        })
    }

    /// The number of places that are taken.
    pub fn taken_count(&self) -> usize {
        self.taken().all
    }

    /// Waits until no place is taken.
    pub async fn empty(&self) {
        while self.taken_count() > 0 {
            self.left.notified().await;
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's place.
pub struct Place {
    places: Arc<Places>,
    network: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(network) = self.network
            && let Some(count) = taken.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                taken.by_network.remove(&network);
            }
        }
        drop(taken);
        self.places.left.notify_one();
    }
}

/// What counts as one address: an IPv4 address, and of IPv6 the 64 bits that one customer's machines share.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_take_the_places_of_others() {
        let places = Places::new("publish.http", 3, 2);
        let address = |text: &str| Some(text.parse().unwrap());
        let first = places.take(address("2001:db8::1")).unwrap();
        let _second = places.take(address("2001:db8::2")).unwrap();
        let refused = places.take(address("2001:db8::3")).err().unwrap();
        assert!(refused.to_string().contains("clients_per_address_max"));
        let _other = places.take(address("::ffff:10.0.0.1")).unwrap();
        let refused = places.take(address("10.0.0.2")).err().unwrap();
        assert!(refused.to_string().contains("publish.http.clients_max"));
        drop(first);
        assert_eq!(places.taken_count(), 2);
        assert!(places.take(address("2001:db8::3")).is_ok());
    }
}
