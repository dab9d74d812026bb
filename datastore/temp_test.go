package datastore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
)

// noted is a test that notes what it is told.
type noted struct {
	said    []string
	cleanup []func()
}

func (n *noted) Helper() {}
func (n *noted) Errorf(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}
func (n *noted) Fatalf(format string, args ...any) { n.Errorf(format, args...) }
func (n *noted) Cleanup(fn func())                 { n.cleanup = append(n.cleanup, fn) }

// end does what the end of a test does.
func (n *noted) end() {
	for _, fn := range n.cleanup {
		fn()
	}
}

// TestTemp checks that a temporary store is closed at the end of a test, and fails
// it if an index is not true.
func TestTemp(t *testing.T) {
	eng, whole := memory.Engine(), &noted{}
	store := datastore.Temp(whole, eng, town)
	p := somebody(1)
	if err := people.Put(t.Context(), store, &p); err != nil {
		t.Fatal(err)
	}
	whole.end()
	if len(whole.said) > 0 {
		t.Errorf("of a whole store: %q", whole.said)
	}
	if _, err := people.Get(t.Context(), store, 1); err == nil {
		t.Error("the store is still open")
	}

	all := dump(t, eng)
	damaged := &noted{}
	datastore.Temp(damaged, load(t, all[:len(all)-1]), town) // without an entry
	damaged.end()
	if len(damaged.said) != 1 || !strings.Contains(damaged.said[0], "missing entry in town.person/tag") {
		t.Errorf("of one that lacks an entry: %q", damaged.said)
	}

	missing := &noted{}
	config := engine.Config{Path: t.TempDir(), MustExist: true}
	if store := datastore.Temp(missing, bolt.Options{Config: config}.Engine(), town); store != nil || len(missing.said) != 1 {
		t.Errorf("of one that does not open: %v, %q", store, missing.said)
	}
	missing.end()
}
