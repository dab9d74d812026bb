package main

import (
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/bench/internal/backend"
)

// TestDHT runs a small measurement on every backend, which checks its results.
func TestDHT(t *testing.T) {
	for _, b := range backend.Backends {
		t.Run(b.Name, func(t *testing.T) {
			var cases []string
			err := measureDHT(t.Context(), b, t.TempDir(), 2000, func(r dhtResult) error {
				if value, _ := r.figure(); value <= 0 || r.Contender != b.Name || r.Records != 2000 {
					t.Errorf("%+v", r)
				}
				if known := processTime() > 0; r.Case == addProviderCase && known != (r.CPUNsPerOp > 0) {
					t.Errorf("no CPU time: %+v", r)
				}
				cases = append(cases, r.Case)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{addProviderCase, valuePutCase, valueGetCase} {
				if !slices.Contains(cases, name) {
					t.Errorf("no %s in %v", name, cases)
				}
			}
		})
	}
}
