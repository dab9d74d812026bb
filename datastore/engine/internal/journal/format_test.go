package journal_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal"
	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal/journaltest"
)

// TestFormatExamples writes the database that docs/format.md shows, and compares the bytes.
func TestFormatExamples(t *testing.T) {
	ctx, d := t.Context(), newDisk()
	p, err := d.open(ctx, journal.Options{CheckpointBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	journaltest.WriteExample(t, p.db)

	var got strings.Builder
	for _, c := range d.log {
		fmt.Fprintf(&got, "log %d\n  %x\n", c.Seq, c.Batch)
	}
	fmt.Fprintf(&got, "checkpoint 1, 0\n  %x\nstate\n  %x\n", d.values[[2]uint64{1, 0}], d.state.Append(nil))
	doc, err := os.ReadFile("../../../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "## Worked examples: a database in a browser\n")
	_, section, _ = strings.Cut(section, "```\n")
	if want, _, _ := strings.Cut(section, "```\n"); got.String() != want {
		t.Errorf("docs/format.md shows\n%s\nthe code writes\n%s", want, got.String())
	}
}
