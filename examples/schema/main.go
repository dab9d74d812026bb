// Schema prints what a tree is, as JSON, so that programs without its Go type can read its
// rows and serve its records. p2pnode takes such files:
//
//	go run ./examples/schema >member.json
//	go run ./p2pnode run -models member.json
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
)

// Member is a member of a club.
type Member struct {
	ID      uint64
	Name    string
	Email   string
	Updated time.Time
}

// The declarations say which fields keys and the clock are made of: a program without the
// Go type has nothing else to make them from. Code that modelgen writes says it, too.
var (
	Members = models.NewTree(
		"member", models.Uint64, func(m *Member) uint64 { return m.ID },
		models.WithPolicy[Member](models.Open),
		models.WithClock(func(m *Member) uint64 { return uint64(max(m.Updated.UnixMicro(), 0)) }),
		models.KeyFields[Member]("ID"), models.ClockField[Member]("Updated"),
	)
	MemberByEmail = models.NewIndex(
		Members, "email", models.String, func(m *Member) string { return m.Email }, models.Fields[Member]("Email"),
	)
	MemberByName = models.NewIndex(
		Members, "name", models.String, func(m *Member) string { return m.Name }, models.Fields[Member]("Name"),
	)

	// Peers can bring all members together at once: p2pnode sync member/all.
	AllMembers = models.NewTopic(Members, "all", nil)

	Club = models.NewDefinition("club", Members)
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error { return Members.Schema().Write(out) }
