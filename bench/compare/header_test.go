package main

import (
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/bench/internal/headers"
)

// TestHeader runs a small measurement on every datastore, which checks its results.
func TestHeader(t *testing.T) {
	for _, d := range headers.Contenders {
		t.Run(d.Name, func(t *testing.T) {
			var cases []string
			err := measureHeaders(t.Context(), d, t.TempDir(), 2*deletedAtOnce, func(r headerResult) error {
				if r.NsPerHeader <= 0 || r.Contender != d.Name {
					t.Errorf("%+v", r)
				}
				cases = append(cases, r.Case)
				return nil
			})
			if err != nil || !slices.Equal(cases, headerCases) {
				t.Fatal(cases, err)
			}
		})
	}
}
