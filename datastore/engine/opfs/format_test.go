//go:build js

package opfs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/journal/journaltest"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

// TestFormatExample writes the database whose files docs/format.md shows, and compares the bytes.
func TestFormatExample(t *testing.T) {
	if !webtest.InWorker() {
		t.Skip("there are such files in workers alone")
	}
	const path = "example"
	ctx := t.Context()
	db, err := Engine(path).Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	journaltest.WriteExample(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	dir, err := openDirectory(ctx, path, false)
	if err != nil {
		t.Fatal(err)
	}
	names, err := dir.names(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var got strings.Builder
	for _, name := range names {
		fmt.Fprintln(&got, name)
		change(t, path, name, func(f *file) error {
			b := make([]byte, f.size)
			_, err := f.ReadAt(b, 0)
			for line := range slices.Chunk(b, 32) {
				fmt.Fprintf(&got, "  %x\n", line)
			}
			return err
		})
	}
	if want := os.Getenv("NETABASE_OPFS_EXAMPLE"); got.String() != want {
		t.Errorf("docs/format.md shows\n%s\nthe code writes\n%s", want, got.String())
	}
}
