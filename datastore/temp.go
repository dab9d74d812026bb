package datastore

import (
	"context"
	"errors"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
)

// TestingT is what Temp needs of a *testing.T, so that programs do not link
// package testing.
type TestingT interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Temp opens a store for the length of a test. When the test ends it verifies
// the store, fails the test for any damage, and closes it. Files are the
// engine's: give it a path in t.TempDir().
//
//	store := datastore.Temp(t, bolt.Engine(t.TempDir()), blog.Blog)
func Temp(t TestingT, eng engine.Engine, options ...OpenOption) *Store {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, eng, options...)
	if err != nil {
		t.Fatalf("temporary store: %v", err)
		return nil
	}
	t.Cleanup(func() {
		report, err := Verify(ctx, s)
		if err != nil && !errors.Is(err, models.ErrClosed) {
			t.Errorf("verify temporary store: %v", err)
		}
		for _, damage := range report.Damage {
			t.Errorf("temporary store: %v", damage)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close temporary store: %v", err)
		}
	})
	return s
}
