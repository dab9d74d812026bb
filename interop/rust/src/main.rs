//! A rust-libp2p peer of a Netabase DHT that knows nothing of Netabase's code: it
//! writes records by docs/format.md alone, and keeps those of others in rust-libp2p's
//! MemoryStore without checking them. It reads a command as JSON from each line of its
//! input and answers each with a line of JSON: {"ok": …}, or {"error": text}.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::prelude::{Engine, BASE64_STANDARD};
use libp2p::core::SignedEnvelope;
use libp2p::futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig, RecordStore};
use libp2p::kad::{
    self, GetProvidersOk, GetRecordOk, PutRecordError, QueryId, QueryResult, Quorum, RecordKey,
};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{identify, noise, tcp, yamux, Multiaddr, StreamProtocol, Swarm, SwarmBuilder};
use negentropy::{Negentropy, NegentropyStorageVector};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tokio::io::{stdin, AsyncBufReadExt, BufReader};

/// How long a query may take, and an unused connection stays.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The size of messages and of values in the store. It leaves room for records that other peers refuse.
const MAX_BYTES: usize = 1 << 20;

type Answer = Result<Value, Box<dyn Error>>;

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    kad: kad::Behaviour<MemoryStore>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
enum Command {
    /// Resolves once the peer is in the routing table.
    Dial { address: Multiaddr },
    /// Puts an item, or what is given in base 64 in its place. It expires after `ttl`
    /// seconds, or else after 48 hours, as rust-libp2p has it.
    Put {
        id: u64,
        item: Option<Value>,
        raw: Option<String>,
        ttl: Option<u64>,
    },
    /// Puts a value under a key, both in base 64.
    PutRaw { key: String, value: String },
    /// Puts a deed, which this peer owns and signs, or somebody else where it is
    /// forged; or takes it back.
    PutDeed {
        number: u64,
        sequence: u64,
        text: String,
        #[serde(default)]
        retracted: bool,
        #[serde(default)]
        forged: bool,
        expires: Option<u64>,
    },
    /// Puts a picture under its hash, or under another where it is forged.
    PutPicture {
        title: String,
        #[serde(default)]
        forged: bool,
    },
    /// Reads an item from other peers.
    Get { id: u64 },
    /// Tells what the MemoryStore has under a record key.
    Stored { key: String },
    /// Announces that this peer provides a multihash, which is in base 64.
    Provide { hash: String },
    /// Tells which peers provide a multihash.
    Find { hash: String },
    /// Begins a comparison of a set of ids, one after the other in base 64, in messages of
    /// `limit` bytes. The initiator's first message is the answer.
    Compare {
        ids: String,
        limit: u64,
        initiator: bool,
    },
    /// Takes a message of the other side, and tells what that says, and the next message.
    Reconcile { message: String },
}

#[derive(Serialize)]
struct Deed<'a> {
    #[serde(with = "serde_bytes")]
    owner: &'a [u8],
    number: u64,
    text: &'a str,
}

/// The record key of an item: its number as text, filled up to 20 digits.
fn item_key(id: u64) -> Vec<u8> {
    format!("/shop.item/{id:020}").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn uvarint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

struct Peer {
    swarm: Swarm<Behaviour>,
    own: Keypair,
    another: Keypair,
    /// The comparison of two sets that is going on.
    comparison: Option<Negentropy<'static, NegentropyStorageVector>>,
}

impl Peer {
    /// Starts a peer that listens on a port of loopback.
    async fn start() -> Result<Self, Box<dyn Error>> {
        let own = Keypair::generate_ed25519();
        let mut swarm = SwarmBuilder::with_existing_identity(own.clone())
            .with_tokio()
            .with_tcp(
                tcp::Config::default(),
                noise::Config::new,
                yamux::Config::default,
            )?
            .with_behaviour(|keys| {
                let id = keys.public().to_peer_id();
                let mut config = kad::Config::new(StreamProtocol::new("/netabase/kad/1.0.0"));
                config
                    .set_query_timeout(TIMEOUT)
                    .set_max_packet_size(MAX_BYTES)
                    .set_replication_interval(None)
                    .set_publication_interval(None);
                let store = MemoryStoreConfig {
                    max_value_bytes: MAX_BYTES,
                    ..Default::default()
                };
                Behaviour {
                    identify: identify::Behaviour::new(identify::Config::new(
                        "/netabase".into(),
                        keys.public(),
                    )),
                    kad: kad::Behaviour::with_config(
                        id,
                        MemoryStore::with_config(id, store),
                        config,
                    ),
                }
            })?
            .with_swarm_config(|config| config.with_idle_connection_timeout(TIMEOUT))
            .build();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                // A peer with an address answers queries, and provider records name the address.
                swarm.add_external_address(address);
                return Ok(Peer {
                    swarm,
                    own,
                    another: Keypair::generate_ed25519(),
                    comparison: None,
                });
            }
        }
    }

    fn kad(&mut self) -> &mut kad::Behaviour<MemoryStore> {
        &mut self.swarm.behaviour_mut().kad
    }

    /// Waits for the end of a query, and hands over each of its results.
    async fn finish(&mut self, query: QueryId, mut each: impl FnMut(QueryResult)) {
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::Behaviour(BehaviourEvent::Kad(
                    kad::Event::OutboundQueryProgressed {
                        id, result, step, ..
                    },
                )) if id == query => {
                    each(result);
                    if step.last {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// Tells how many peers have taken a record.
    async fn put(&mut self, key: Vec<u8>, value: Vec<u8>, ttl: Option<u64>) -> Answer {
        let mut record = kad::Record::new(key, value);
        record.expires = ttl.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        // There are never so many peers, so that the query fails and names those that took the record.
        let query = self.kad().put_record(record, Quorum::All)?;
        let mut taken = None;
        self.finish(query, |result| {
            if let QueryResult::PutRecord(Err(PutRecordError::QuorumFailed { success, .. })) =
                result
            {
                taken = Some(success.len());
            }
        })
        .await;
        Ok(json!({ "taken": taken.ok_or("the query has not ended in time")? }))
    }

    async fn run(&mut self, command: Command) -> Answer {
        match command {
            Command::Dial { address } => self.dial(address).await,
            Command::Put { id, item, raw, ttl } => {
                let value = match raw {
                    Some(raw) => BASE64_STANDARD.decode(raw)?,
                    None => serde_ipld_dagcbor::to_vec(&item)?,
                };
                self.put(item_key(id), value, ttl).await
            }
            Command::PutRaw { key, value } => {
                self.put(
                    BASE64_STANDARD.decode(key)?,
                    BASE64_STANDARD.decode(value)?,
                    None,
                )
                .await
            }
            Command::PutDeed {
                number,
                sequence,
                text,
                retracted,
                forged,
                expires,
            } => {
                let owner = self.swarm.local_peer_id().to_bytes();
                let key = format!("/shop.deed/{},{number:020}", hex(&owner)).into_bytes();
                let value = match retracted {
                    true => Vec::new(),
                    false => serde_ipld_dagcbor::to_vec(&Deed {
                        owner: &owner,
                        number,
                        text: &text,
                    })?,
                };
                let in_an_hour = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3600;
                let payload = [
                    uvarint(sequence),
                    uvarint(expires.unwrap_or(in_an_hour)),
                    vec![retracted as u8],
                    uvarint(key.len() as u64),
                    key.clone(),
                    value,
                ];
                let signer = if forged { &self.another } else { &self.own };
                let envelope = SignedEnvelope::new(
                    signer,
                    "netabase-record".into(),
                    b"/netabase/record".to_vec(),
                    payload.concat(),
                )?;
                self.put(key, envelope.into_protobuf_encoding(), None).await
            }
            Command::PutPicture { title, forged } => {
                let value = serde_ipld_dagcbor::to_vec(&json!({ "title": title }))?;
                let mut hash = Sha256::new_with_prefix(&value);
                if forged {
                    hash.update("x");
                }
                self.put(
                    format!("/shop.picture/{}", hex(&hash.finalize())).into_bytes(),
                    value,
                    None,
                )
                .await
            }
            Command::Get { id } => self.get(item_key(id)).await,
            Command::Stored { key } => {
                let record = self
                    .kad()
                    .store_mut()
                    .get(&RecordKey::new(&key))
                    .ok_or("not stored")?;
                Ok(json!(BASE64_STANDARD.encode(&record.value)))
            }
            Command::Provide { hash } => {
                let query = self
                    .kad()
                    .start_providing(BASE64_STANDARD.decode(hash)?.into())?;
                self.finish(query, |_| {}).await;
                Ok(Value::Null)
            }
            Command::Find { hash } => {
                let query = self
                    .kad()
                    .get_providers(BASE64_STANDARD.decode(hash)?.into());
                let mut found = Vec::new();
                self.finish(query, |result| {
                    if let QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders {
                        providers,
                        ..
                    })) = result
                    {
                        found.extend(providers.iter().map(|id| id.to_string()));
                    }
                })
                .await;
                found.sort();
                found.dedup();
                Ok(json!(found))
            }
            Command::Compare {
                ids,
                limit,
                initiator,
            } => self.compare(&BASE64_STANDARD.decode(ids)?, limit, initiator),
            Command::Reconcile { message } => self.reconcile(&BASE64_STANDARD.decode(message)?),
        }
    }

    /// Begins a comparison. All ids have the timestamp 0.
    fn compare(&mut self, ids: &[u8], limit: u64, initiator: bool) -> Answer {
        let mut set = NegentropyStorageVector::new();
        for id in ids.chunks(negentropy::ID_SIZE) {
            set.insert(0, negentropy::Id::from_slice(id)?)?;
        }
        set.seal()?;
        let mut comparison = Negentropy::owned(set, limit)?;
        let first = match initiator {
            true => comparison.initiate()?,
            false => Vec::new(),
        };
        self.comparison = Some(comparison);
        Ok(json!(BASE64_STANDARD.encode(first)))
    }

    fn reconcile(&mut self, message: &[u8]) -> Answer {
        let comparison = self.comparison.as_mut().ok_or("nothing is compared")?;
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = match comparison.is_initiator() {
            true => comparison.reconcile_with_ids(message, &mut have, &mut need)?,
            false => Some(comparison.reconcile(message)?),
        };
        let text = |ids: Vec<negentropy::Id>| {
            let bytes: Vec<u8> = ids.into_iter().flat_map(negentropy::Id::to_bytes).collect();
            BASE64_STANDARD.encode(bytes)
        };
        Ok(json!({
            "have": text(have),
            "need": text(need),
            "message": next.map(|message| BASE64_STANDARD.encode(message)),
        }))
    }

    async fn dial(&mut self, address: Multiaddr) -> Answer {
        let Some(Protocol::P2p(remote)) = address.iter().last() else {
            return Err("the address names no peer".into());
        };
        self.swarm.dial(address)?;
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::Behaviour(BehaviourEvent::Kad(kad::Event::RoutingUpdated {
                    peer,
                    ..
                })) if peer == remote => return Ok(json!(remote.to_string())),
                SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error.into()),
                _ => {}
            }
        }
    }

    async fn get(&mut self, key: Vec<u8>) -> Answer {
        let query = self.kad().get_record(key.into());
        let mut value = None;
        self.finish(query, |result| {
            if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(found))) = result {
                if found.peer.is_some() {
                    value = Some(found.record.value);
                }
            }
        })
        .await;
        Ok(serde_ipld_dagcbor::from_slice(&value.ok_or("not found")?)?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut peer = Peer::start().await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let answer = match serde_json::from_str(&line) {
                    Ok(command) => peer.run(command).await,
                    Err(error) => Err(error.into()),
                };
                println!("{}", match answer {
                    Ok(ok) => json!({ "ok": ok }),
                    Err(error) => json!({ "error": error.to_string() }),
                });
            }
            _ = peer.swarm.select_next_some() => {}
        }
    }
}
