package api

import (
	"encoding/json"
	"time"
)

// Error is why a request failed. Its JSON is {"error": {…}}.
type Error struct {
	// Code is one of the codes below.
	Code Code `json:"code"`
	// Message says what is wrong, for people.
	Message string `json:"message"`
	// Suggestion is the name that was probably meant, for a tree, an index or a topic that is not there.
	Suggestion string `json:"suggestion,omitempty"`
	// Known are the names that there are, for a tree, an index or a topic that is not there.
	Known []string `json:"known,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Failure is the body of an answer to a request that failed.
type Failure struct {
	Error *Error `json:"error"`
}

// Code tells programs why a request failed.
type Code string

// The codes, and the statuses of HTTP that they come with.
const (
	// Invalid is 400: the request, a key or a row is malformed or breaks a rule.
	Invalid Code = "invalid"
	// NoToken is 401: the token is missing or wrong.
	NoToken Code = "no_token"
	// Forbidden is 403: the policy of the tree forbids it, or the request comes from another origin.
	Forbidden Code = "forbidden"
	// NotFound is 404: there is no such row, peer or path.
	NotFound Code = "not_found"
	// UnknownTree is 404: there is no such tree. Known has those that there are.
	UnknownTree Code = "unknown_tree"
	// UnknownIndex is 404: there is no such index. Known has those that there are.
	UnknownIndex Code = "unknown_index"
	// UnknownTopic is 404: there is no such topic. Known has those that there are.
	UnknownTopic Code = "unknown_topic"
	// Conflict is 409: a better record is stored, the row exists already, or a unique key is taken.
	Conflict Code = "conflict"
	// TooLarge is 413: the body, key or row is larger than may be.
	TooLarge Code = "too_large"
	// Busy is 429: too many requests at once.
	Busy Code = "busy"
	// Internal is 500: the node failed, and its log says more.
	Internal Code = "internal"
	// Damaged is 500: what is stored is damaged.
	Damaged Code = "damaged"
	// Stopping is 503: the node is stopping. A change that was not acknowledged may be done or not.
	Stopping Code = "stopping"
	// NoPeers is 503: no other peer is known, or none took the record. The row is stored.
	NoPeers Code = "no_peers"
)

// Status describes the node: GET /v1/status.
type Status struct {
	Peer string `json:"peer"`
	// Addresses are those at which others reach the peer, with /p2p/ and its id.
	Addresses []string  `json:"addresses"`
	Version   string    `json:"version"`
	Started   time.Time `json:"started"`
	Dir       string    `json:"dir,omitempty"`
	Engine    string    `json:"engine"`
	// Mode is server or client.
	Mode      string `json:"mode"`
	Protocol  string `json:"protocol"`
	Store     string `json:"store"`
	Encrypted bool   `json:"encrypted"`
	Trees     int    `json:"trees"`
	// Connected is how many peers are connected, Known how many the routing table has.
	Connected int `json:"connected"`
	Known     int `json:"known"`
	// Records and Providers are those kept for the network.
	Records   Usage `json:"records"`
	Providers Usage `json:"providers"`
	// DiskBytes is the size of the store's files, MemoryBytes the heap of the process.
	DiskBytes   uint64 `json:"disk_bytes"`
	MemoryBytes uint64 `json:"memory_bytes"`
}

// Version says which program it is: GET /v1/version.
type Version struct {
	// Version is that of the module, or of the source that the program was built from.
	Version string `json:"version"`
	// Go is the version of Go that built it.
	Go string `json:"go"`
}

// Usage is how much there is of something.
type Usage struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Tree describes a tree of the store: GET /v1/trees returns a list of them, by name.
type Tree struct {
	Name   string `json:"name"`
	Key    string `json:"key"`
	Codec  string `json:"codec"`
	Policy string `json:"policy"`
	// Hosted says that the tree is one of the node's models. The rows of others can be listed only.
	Hosted bool `json:"hosted"`
	// Schema is the newest schema version, Hash the hash of its shape.
	Schema    uint32   `json:"schema"`
	Hash      string   `json:"hash"`
	KeyFields []string `json:"key_fields,omitempty"`
	Clock     string   `json:"clock,omitempty"`
	Fields    []Field  `json:"fields"`
	Indexes   []Index  `json:"indexes"`
}

// Field is a field of a tree's model. Type is as shapes write it: uint64, list(string).
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Index describes an index. Kind is index, unique, multi or claim.
type Index struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Key     string   `json:"key"`
	Fields  []string `json:"fields,omitempty"`
	Partial bool     `json:"partial,omitempty"`
	Blind   bool     `json:"blind,omitempty"`
	Ready   bool     `json:"ready"`
}

// Size is how much a tree takes: GET /v1/trees/{tree}/size. Counting takes time in proportion.
type Size struct {
	Usage
	Indexes []IndexSize `json:"indexes"`
}

// IndexSize is how much an index takes.
type IndexSize struct {
	Name    string `json:"name"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}

// Row is a row of a tree.
type Row struct {
	Key string `json:"key"`
	// Index is the key of the entry by which an index found the row.
	Index string `json:"index,omitempty"`
	// Value is the row as DAG-JSON. Integers may have up to 20 digits.
	Value   json.RawMessage `json:"value,omitempty"`
	Expires *time.Time      `json:"expires,omitempty"`
	// Error says why the row cannot be read, in place of Value.
	Error string `json:"error,omitempty"`
}

// Page is a part of a list: GET /v1/trees/{tree}/rows and GET /v1/trees/{tree}/indexes/{index}.
//
// Query parameters of both: key, or from and to (from ≤ key < to), or prefix; reverse=true;
// limit, 1 to 1,000, by default 100; page, the Next of the page before; where, any number of times;
// order. With where or order a page may have fewer rows than the limit and still a Next.
type Page struct {
	Rows []Row `json:"rows"`
	// Next is the token of the next page, empty behind the last.
	Next string `json:"next,omitempty"`
}

// Detail is everything about a row: GET /v1/trees/{tree}/row?key=….
type Detail struct {
	Row
	// Bytes is the stored value in hex.
	Bytes string `json:"bytes"`
	// RecordKey is the key of the row's record in the DHT, empty for a tree that is local.
	RecordKey string `json:"record_key,omitempty"`
	// State is local, published, changed, expired, received or kept; Since and Served are as in
	// record.Status.
	State  string     `json:"state,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Served bool       `json:"served"`
	// Foreign says that the row has fields that the model here does not have.
	Foreign   bool       `json:"foreign,omitempty"`
	Signature *Signature `json:"signature,omitempty"`
}

// Signature is that of a row of a signed tree.
type Signature struct {
	Owner    string    `json:"owner"`
	Sequence uint64    `json:"sequence"`
	Expires  time.Time `json:"expires"`
}

// Holder is a peer near the key of a record: GET /v1/trees/{tree}/holders?key=… asks them.
type Holder struct {
	Peer string `json:"peer"`
	// Has says that the peer served the record, Same that it is the one stored here.
	Has   bool   `json:"has"`
	Same  bool   `json:"same"`
	Error string `json:"error,omitempty"`
}

// Put is the body of POST /v1/trees/{tree}/put, which stores a row. It answers with a Report.
type Put struct {
	Row json.RawMessage `json:"row"`
	// Local keeps a row of a tree that travels on this peer. Otherwise it is published.
	Local bool `json:"local,omitempty"`
	// Expires removes a row of a local tree at that time.
	Expires *time.Time `json:"expires,omitempty"`
	// Insert refuses a row whose key is there already.
	Insert bool `json:"insert,omitempty"`
}

// Keyed is the body of the requests on one key: POST /v1/trees/{tree}/publish, /retract and /delete,
// which answer with a Report, and /resolve, which answers with a Row.
type Keyed struct {
	Key string `json:"key"`
}

// Report says what became of a row: which peers took its record.
type Report struct {
	Key       string `json:"key"`
	RecordKey string `json:"record_key,omitempty"`
	// Published says that the record was put into the DHT.
	Published bool         `json:"published"`
	Took      []string     `json:"took"`
	Failed    []PeerFailed `json:"failed,omitempty"`
}

// PeerFailed is a peer that did not take a record.
type PeerFailed struct {
	Peer  string `json:"peer"`
	Error string `json:"error"`
}

// Imported is the answer to POST /v1/trees/{tree}/import, whose body has one row a line.
// ?publish=true publishes each.
type Imported struct {
	Stored    int64         `json:"stored"`
	Published int64         `json:"published"`
	Refused   int64         `json:"refused"`
	Reasons   []RefusedLine `json:"reasons,omitempty"` // of the first 100
}

// RefusedLine is a line that was not imported.
type RefusedLine struct {
	Line  int64  `json:"line"`
	Error string `json:"error"`
}

// Event is something that happened: GET /v1/events streams those from now on, and
// GET /v1/trees/{tree}/watch those of kind stored, retracted and deleted of one tree, with their rows,
// in the order of their commits. A reader that does not keep up gets a last line with an error.
type Event struct {
	Time time.Time `json:"time"`
	Kind EventKind `json:"kind"`
	// Peer is the peer at which it happened: in a demonstration there are several.
	Peer string `json:"peer"`
	// From is the other peer of a request, To are the peers that took a record.
	From string   `json:"from,omitempty"`
	To   []string `json:"to,omitempty"`
	// Tree and Key are those of the record, if it belongs to a model. Key is as people write it.
	Tree  string          `json:"tree,omitempty"`
	Key   string          `json:"key,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	// Old is the row before it was stored, retracted or deleted, if there was one.
	Old json.RawMessage `json:"old,omitempty"`
	// Origin says who has changed the row: program, dht, sync, expiry or eviction. Seq is the number
	// of the commit that has: it rises from commit to commit.
	Origin string `json:"origin,omitempty"`
	Seq    uint64 `json:"seq,omitempty"`
	// Reason is why a record was refused.
	Reason string `json:"reason,omitempty"`
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	// Published: this peer put a record, and the peers To took it.
	Published EventKind = "published"
	// Resolved: this peer asked the network for a record and got it.
	Resolved EventKind = "resolved"
	// Stored: a row was stored. GET /v1/events has those that came from the network.
	Stored EventKind = "stored"
	// Retracted: the owner took a record back, here or by the network.
	Retracted EventKind = "retracted"
	// Deleted: a row was deleted by this peer, because it has expired or there are too many, or by a
	// program.
	Deleted EventKind = "deleted"
	// Asked: the peer From asked for a record.
	Asked EventKind = "asked"
	// Placed: the peer From sent a record to be stored.
	Placed EventKind = "placed"
	// Refused: a record was refused for Reason.
	Refused EventKind = "refused"
	// PeerUp and PeerDown: a connection to From was made or is gone; in a demonstration, Peer
	// itself started or stopped, and From is empty.
	PeerUp   EventKind = "peer_up"
	PeerDown EventKind = "peer_down"
)

// Topic is a topic of one of the node's models: GET /v1/topics returns a list of them, by name.
type Topic struct {
	// Name is the full name, club.member/recent: Tree is that of its tree, and Topic the topic's own.
	Name  string `json:"name"`
	Tree  string `json:"tree"`
	Topic string `json:"topic"`
	// Rows is how many rows belong to it. Partial says that not all rows of the tree need to.
	Rows    int64 `json:"rows"`
	Partial bool  `json:"partial,omitempty"`
	// Kept says that the node keeps it in sync with other peers: the setting sync names it.
	Kept bool `json:"kept"`
	// Synced has the last sync that this node has begun with each peer since it was started, the
	// newest first, at most 16.
	Synced []Synced `json:"synced"`
	// Answered has the last sync that each other peer has begun, likewise. Of those sent there, all
	// count as taken.
	Answered []Synced `json:"answered"`
	// Gossip are the peers that gossip the topic with this node. It is empty unless the topic is kept.
	Gossip []GossipPeer `json:"gossip"`
}

// GossipPeer is a peer that gossips a topic: how many records it has sent within the last day, and what
// became of them.
type GossipPeer struct {
	Peer string `json:"peer"`
	// Listens says that it is connected and takes records.
	Listens bool `json:"listens"`
	Taken   int  `json:"taken"`
	Ignored int  `json:"ignored"`
	Invalid int  `json:"invalid"`
	// LeftAlone says that so many were invalid that the node does not sync with it.
	LeftAlone bool `json:"left_alone,omitempty"`
}

// Sync is the body of POST /v1/topics/{tree}/{topic}/sync, which answers with a stream of Synced.
type Sync struct {
	// Peer is the id of the peer to sync with. Without it, it is each one that is connected and syncs
	// topics.
	Peer string `json:"peer,omitempty"`
	// Direction is pull, push or both, which is the default.
	Direction string `json:"direction,omitempty"`
}

// Synced says how far the sync of a topic with a peer is. In a stream, the last one of each peer has
// Done.
type Synced struct {
	Peer      string    `json:"peer"`
	Direction string    `json:"direction"`
	Started   time.Time `json:"started"`
	Seconds   float64   `json:"seconds"`
	Done      bool      `json:"done,omitempty"`
	// Pulled are the records that came from the peer, and Pushed those that were sent there. They are
	// the records in which the two differed; a key of which each had another record may count both ways.
	Pulled SyncCounts `json:"pulled"`
	Pushed SyncCounts `json:"pushed"`
	// ToPull and ToPush are how many records each way are due as far as is known, with those that have
	// gone already.
	ToPull int `json:"to_pull"`
	ToPush int `json:"to_push"`
	// RoundTrips is how often the node has waited for an answer. BytesRead and BytesWritten are those of
	// the messages, and 0 before Done.
	RoundTrips   int   `json:"round_trips"`
	BytesRead    int64 `json:"bytes_read"`
	BytesWritten int64 `json:"bytes_written"`
	// Refused are some of the records that were refused, at most 100. It is empty before Done.
	Refused []RefusedRecord `json:"refused,omitempty"`
	// Error says why the sync has ended before the two were compared to the end.
	Error string `json:"error,omitempty"`
}

// SyncCounts counts the records that went one way: those that were taken, those that were refused, and
// those that the sender did not have any more.
type SyncCounts struct {
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
	Missing int `json:"missing"`
}

// InAll is how many records were taken, refused or missing.
func (c SyncCounts) InAll() int { return c.Taken + c.Refused + c.Missing }

// RefusedRecord is a record that a sync has not taken. Pushed says that the other peer has refused it.
type RefusedRecord struct {
	// Key is the key of the record, /club.member/00000000000000000001.
	Key    string `json:"key"`
	Reason string `json:"reason"`
	Pushed bool   `json:"pushed,omitempty"`
}

// Network is what the page draws: GET /v1/network.
type Network struct {
	Peers []NetworkPeer `json:"peers"`
}

// NetworkPeer is a peer on the ring.
type NetworkPeer struct {
	ID string `json:"id"`
	// Name is what to call it: its number in a demonstration.
	Name string `json:"name,omitempty"`
	// Position is where it is on the ring of the key space, from 0 on and below 1: the first 52
	// bits of the SHA-256 of its id.
	Position float64 `json:"position"`
	// Self says that this node speaks for the peer. Base is the path below which its own control
	// interface is served: "" for the node itself, "/peer/3" for the third of a demonstration.
	Self bool   `json:"self"`
	Base string `json:"base"`
	Up   bool   `json:"up"`
	// Links are the ids of peers in its routing table, as far as this node knows them.
	Links []string `json:"links"`
	// Held is how many records it holds, -1 if that is not known.
	Held int64 `json:"held"`
}

// Peer is a peer that is connected or known: GET /v1/peers.
type Peer struct {
	ID        string   `json:"id"`
	Addresses []string `json:"addresses"`
	Connected bool     `json:"connected"`
	// Direction is inbound or outbound.
	Direction string `json:"direction,omitempty"`
	// Routing says that the peer is in the routing table.
	Routing bool `json:"routing"`
	// LatencyMS is the measured round trip, 0 if there is none.
	LatencyMS float64 `json:"latency_ms"`
	Agent     string  `json:"agent,omitempty"`
}

// Connect is the body of POST /v1/peers/connect, which answers with a Peer.
type Connect struct {
	// Address is a multiaddress that ends with /p2p/ and an id.
	Address string `json:"address"`
}

// PeerSchema is a tree of another peer: GET /v1/peers/schemas?peer=….
type PeerSchema struct {
	Tree  string `json:"tree"`
	Hash  string `json:"hash"`
	Known bool   `json:"known"`
	// Relation is same, newer, older or diverged, if the tree is known.
	Relation string `json:"relation,omitempty"`
}

// FetchSchema is the body of POST /v1/peers/schemas/fetch, which answers with a schema file. The
// node does not use it: the operator does that with p2pnode models add.
type FetchSchema struct {
	Peer string `json:"peer"`
	Tree string `json:"tree"`
	Hash string `json:"hash"`
}

// Provide is the body of POST /v1/provide: this peer announces that it has the content of a CID.
type Provide struct {
	CID string `json:"cid"`
}

// Provider is a peer that provides a CID: GET /v1/providers?cid=…. local=true asks no other peer.
type Provider struct {
	Peer      string     `json:"peer"`
	Addresses []string   `json:"addresses,omitempty"`
	Received  *time.Time `json:"received,omitempty"`
}

// Quarantined is a row that Repair has set aside: GET /v1/quarantine, a stream.
type Quarantined struct {
	ID    string `json:"id"`
	Tree  string `json:"tree"`
	Key   string `json:"key"`
	Error string `json:"error,omitempty"`
}

// Restore is the body of POST /v1/quarantine/restore, which puts a row back in its place and answers
// with {}. The row has to be readable again.
type Restore struct {
	ID string `json:"id"`
}

// Progress is a line of the streams of POST /v1/verify and POST /v1/migrate. The last one has Done.
type Progress struct {
	Tree  string `json:"tree,omitempty"`
	Rows  int64  `json:"rows"`
	Total int64  `json:"total,omitempty"` // 0 if it is not known
	Done  bool   `json:"done,omitempty"`
	// Damage are the faults that verify found, at most 100.
	Damage []string `json:"damage,omitempty"`
}

// Series are the charts: GET /v1/series?since=…, a unix time in seconds.
type Series struct {
	// Times are the times of the samples, as unix times in seconds.
	Times []int64 `json:"times"`
	Lines []Line  `json:"lines"`
}

// Line is one line of a chart.
type Line struct {
	// Chart names the chart that the line belongs to: operations, latency, refusals, evictions,
	// expired, records, disk, memory, peers.
	Chart string `json:"chart"`
	// Name names the line in it: put, get, invalid.
	Name string `json:"name"`
	// Unit is 1/s, s, B or empty.
	Unit string `json:"unit"`
	// Values has a number for each of Times, null where there is none.
	Values []*float64 `json:"values"`
}

// Setting is a line of GET /v1/config: the value in use, and where it comes from: flag, environment,
// file or default. Secrets have no value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}
