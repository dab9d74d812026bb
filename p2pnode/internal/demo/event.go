package demo

import (
	"fmt"
	"math"
)

// Stage is a part of the demonstration, in the order of Stages.
type Stage string

// The stages.
const (
	Load    Stage = "load"
	Start   Stage = "start"
	Publish Stage = "publish"
	Spread  Stage = "spread"
	Query   Stage = "query"
	Resolve Stage = "resolve"
	Stop    Stage = "stop"
	Remain  Stage = "remain"
	Restart Stage = "restart"
	Join    Stage = "join"
)

// Stages are all stages, in order.
var Stages = []Stage{Load, Start, Publish, Spread, Query, Resolve, Stop, Remain, Restart, Join}

// Event reports a step of the demonstration. It is one of the types below. Encoded as JSON it
// has the fields named by their tags. String returns the same as text.
type Event interface {
	// Kind names the event, "published" for example.
	Kind() string
	// In is the stage of the event, empty if it belongs to no single one.
	In() Stage
	fmt.Stringer
}

// Setup is the first event: the options in use.
type Setup struct {
	Peers       int    `json:"peers"`
	Replication int    `json:"replication"`
	Engine      Engine `json:"engine"`
	Seed        uint64 `json:"seed"`
}

// Serving says where the page is, if there is one.
type Serving struct {
	URL string `json:"url"`
	// Token is asked for by the page before it changes something.
	Token string `json:"token"`
}

// Progress says how far a stage has come. The first one begins the stage.
type Progress struct {
	Stage Stage `json:"stage"`
	Done  int   `json:"done"`
	Total int   `json:"total"`
	// Held is how many records each peer holds, the first peer's first. Only stage Publish has
	// it.
	Held []int `json:"held,omitempty"`
}

// Refused is an invalid line of the input.
type Refused struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Loaded ends stage Load.
type Loaded struct {
	Source  string `json:"source"`
	Records int    `json:"records"`
	Modules int    `json:"modules"`
	Refused int    `json:"refused"`
}

// Started ends stage Start: the peers know one another.
type Started struct {
	// IDs are the peers' libp2p IDs, the first peer's first.
	IDs []string `json:"ids"`
	// Known is how many other peers a routing table has.
	Known Range `json:"known"`
	// Dir is the directory of the peers' data, empty with the memory engine.
	Dir     string  `json:"dir,omitempty"`
	Seconds Seconds `json:"seconds"`
}

// Published ends stage Publish.
type Published struct {
	Acknowledged int     `json:"acknowledged"`
	Failed       int     `json:"failed"`
	Seconds      Seconds `json:"seconds"`
}

// Spreading ends stage Spread. It says where the records are.
type Spreading struct {
	// Held is how many records each peer's own tree holds, the first peer's first. PeerHolds is
	// the range of these numbers.
	Held      []int `json:"held"`
	PeerHolds Range `json:"peer_holds"`
	// Holders is how many peers' own trees hold a record.
	Holders Range `json:"holders"`
	// Peers is how many peers there are.
	Peers int `json:"peers"`
}

// Answer is an example of a query to a single peer's own tree.
type Answer struct {
	Peer     int    `json:"peer"`
	Module   string `json:"module"`
	Packages int    `json:"packages"`
	// Most is the package with the most imports among those the peer holds, Imports their
	// number.
	Most    string `json:"most"`
	Imports uint64 `json:"imports"`
}

// Queried ends stage Query.
type Queried struct {
	// Queries is how many index queries single peers have answered, Rows how many rows they
	// returned.
	Queries int `json:"queries"`
	Rows    int `json:"rows"`
	// Found is how many different records were among the rows.
	Found   int     `json:"found"`
	Seconds Seconds `json:"seconds"`
}

// Resolved ends the stages Resolve and Remain. In stage Stop it comes after a step, if the
// peers are stopped in several.
type Resolved struct {
	Stage Stage `json:"stage"`
	// Asked is how many records were looked up, Resolved how many came back with the published
	// content.
	Asked    int `json:"asked"`
	Resolved int `json:"resolved"`
	// Held is how many were looked up at a peer that holds them, because all running peers do.
	Held int `json:"held"`
	// Retried is how many took more than one lookup.
	Retried int     `json:"retried"`
	Seconds Seconds `json:"seconds"`
}

// Stopped says that peers were stopped at the same time.
type Stopped struct {
	Peers []int `json:"peers"`
	// Down is how many peers are stopped now.
	Down int `json:"down"`
	// Left is how many peers are to be stopped in later steps.
	Left int `json:"left"`
	// Stranded is how many records have no copy on a running peer except their publisher's.
	Stranded int `json:"stranded"`
}

// Restarted compares the store of a stopped peer with its earlier content.
type Restarted struct {
	Peer int `json:"peer"`
	// Held is how many rows the peer held when it was stopped. Intact is how many of them are
	// there with the same content.
	Held   int `json:"held"`
	Intact int `json:"intact"`
	// FromDisk is false with the memory engine.
	FromDisk bool `json:"from_disk"`
}

// Returned ends stage Restart.
type Returned struct {
	Peers    int     `json:"peers"`
	Held     int     `json:"held"`
	Intact   int     `json:"intact"`
	FromDisk bool    `json:"from_disk"`
	Seconds  Seconds `json:"seconds"`
}

// Joined ends stage Join. It says how many records a new peer has fetched.
type Joined struct {
	Peer int    `json:"peer"`
	ID   string `json:"id"`
	// Fetched is how many records came with the published content, Kept how many rows the
	// peer's own tree holds afterwards.
	Fetched int `json:"fetched"`
	Kept    int `json:"kept"`
	// Held is how many records each peer holds at the end, the first peer's first.
	Held    []int   `json:"held"`
	Retried int     `json:"retried"`
	Seconds Seconds `json:"seconds"`
}

// Failure is a fault: a record was not published, not resolved, resolved wrongly, not found by
// its index, or lost.
type Failure struct {
	Stage  Stage  `json:"stage"`
	Record string `json:"record"`
	// Peer is the number of the peer.
	Peer   int    `json:"peer"`
	Reason string `json:"reason"`
	// Lost is true for a record that is gone although it was acknowledged, or held before a
	// restart.
	Lost bool `json:"lost"`
}

// Summary is the last event, but for Open.
type Summary struct {
	// Peers is how many peers were started at the beginning.
	Peers int `json:"peers"`
	// Records is how many different records were loaded.
	Records int `json:"records"`
	// HoldersMin and HoldersMedian are how many peers' own trees held a record after all were
	// published: the fewest, and the lower median.
	HoldersMin    int `json:"holders_min"`
	HoldersMedian int `json:"holders_median"`
	// Resolved is how many records came back with the published content every time: with all
	// peers running, with a quarter of them stopped, and to the new peer.
	Resolved int `json:"resolved"`
	// FoundByIndex is how many records single peers found by module in their own trees.
	FoundByIndex int `json:"found_by_index"`
	// Restarted is how many peers were stopped and started again with all their rows.
	Restarted int `json:"restarted"`
	// Lost is how many acknowledged records could not be resolved at the end, plus how many
	// rows restarted peers had lost.
	Lost int `json:"lost"`
	// Seconds is the time from the start to the summary.
	Seconds Seconds `json:"seconds"`

	stopped int
}

// OK reports whether every record was resolved every time and found by its index, and nothing
// acknowledged is lost.
func (e Summary) OK() bool {
	return e.Resolved == e.Records && e.FoundByIndex == e.Records && e.Restarted == e.stopped && e.Lost == 0
}

// Open follows the summary, if there is a page: the network goes on until it is interrupted.
type Open struct {
	URL string `json:"url"`
}

// Range has the least, the lower median and the greatest of some numbers.
type Range struct {
	Min    int `json:"min"`
	Median int `json:"median"`
	Max    int `json:"max"`
}

// Seconds is a time span, encoded with three decimals.
type Seconds float64

// MarshalJSON writes a number.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%g", math.Round(float64(s)*1000)/1000), nil
}

// Every event has a Kind and an In.

func (Setup) Kind() string     { return "setup" }
func (Serving) Kind() string   { return "serving" }
func (Progress) Kind() string  { return "progress" }
func (Refused) Kind() string   { return "refused" }
func (Loaded) Kind() string    { return "loaded" }
func (Started) Kind() string   { return "started" }
func (Published) Kind() string { return "published" }
func (Spreading) Kind() string { return "spread" }
func (Answer) Kind() string    { return "answer" }
func (Queried) Kind() string   { return "queried" }
func (Resolved) Kind() string  { return "resolved" }
func (Stopped) Kind() string   { return "stopped" }
func (Restarted) Kind() string { return "restarted" }
func (Returned) Kind() string  { return "returned" }
func (Joined) Kind() string    { return "joined" }
func (Failure) Kind() string   { return "failure" }
func (Summary) Kind() string   { return "summary" }
func (Open) Kind() string      { return "open" }

func (Setup) In() Stage      { return "" }
func (Serving) In() Stage    { return "" }
func (e Progress) In() Stage { return e.Stage }
func (Refused) In() Stage    { return Load }
func (Loaded) In() Stage     { return Load }
func (Started) In() Stage    { return Start }
func (Published) In() Stage  { return Publish }
func (Spreading) In() Stage  { return Spread }
func (Answer) In() Stage     { return Query }
func (Queried) In() Stage    { return Query }
func (e Resolved) In() Stage { return e.Stage }
func (Stopped) In() Stage    { return Stop }
func (Restarted) In() Stage  { return Restart }
func (Returned) In() Stage   { return Restart }
func (Joined) In() Stage     { return Join }
func (e Failure) In() Stage  { return e.Stage }
func (Summary) In() Stage    { return "" }
func (Open) In() Stage       { return "" }
