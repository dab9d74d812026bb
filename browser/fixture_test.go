package browser_test

import (
	"github.com/newsnet-africa/netabase-go/models"
)

// Note is what the peers of the tests publish. Of two versions the one with the greater Version is kept.
type Note struct {
	ID      string
	Author  string
	Text    string
	Version uint64
}

var (
	Notes = models.NewTree("note", models.String, func(n *Note) string { return n.ID },
		models.WithPolicy[Note](models.Open), models.WithClock(func(n *Note) uint64 { return n.Version }))
	NoteByAuthor = models.NewIndex(Notes, "author", models.String, func(n *Note) string { return n.Author })
	AllNotes     = models.NewTopic(Notes, "all", func(*Note) bool { return true })
	Pad          = models.NewDefinition("pad", Notes)
)

// The native peers of the tests, which TestMain starts, answer these protocols.
const (
	// sinkProtocol reads everything, and then answers with one byte.
	sinkProtocol = "/test/sink"
	// sourceProtocol sends sourceBytes.
	sourceProtocol = "/test/source"
	// silentProtocol neither reads nor writes until the stream ends.
	silentProtocol = "/test/silent"
	// resetProtocol reads a byte, and resets the stream with resetCode.
	resetProtocol = "/test/reset"
	// controlProtocol reads a question, and answers it.
	controlProtocol = "/test/control"
	// helloProtocol is answered by pages: they send what they get back.
	helloProtocol = "/test/hello"

	sourceBytes = 16 << 20
	resetCode   = 0x1234
)

// peersVariable has the surroundings, as JSON.
const peersVariable = "NETABASE_TEST_PEERS"

// surroundings are what TestMain has started for the tests.
type surroundings struct {
	Peers []native
	// Mute has an address at which connections are taken and never served, by TCP and by UDP.
	Mute native
	// Flood and Text are addresses of WebSockets that send more than a page takes: bytes, and text.
	Flood, Text string
}

// native is a native peer.
type native struct {
	ID string
	// WS, WSS, WT and RTC are its addresses.
	WS, WSS, WT, RTC string
}

// question is what a page asks of a native peer.
type question struct {
	// Do is find, publish, store, drop, hello or ask.
	Do     string
	Author string `json:",omitempty"`
	Note   Note
	// Address is where hello and ask reach the page.
	Address string `json:",omitempty"`
	// Key is the key of a record that ask asks the page for.
	Key string `json:",omitempty"`
}

// answer is what a native peer answers.
type answer struct {
	Error string `json:",omitempty"`
	// Texts are those that find has found, or what hello and ask have read.
	Texts []string
	// By is the address by which hello has reached the page.
	By string
}
