package main

import (
	"os"
	"strconv"
	"testing"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
	"github.com/newsnet-africa/netabase-go/kubo/internal/proof"
)

// asIPFS makes the test's own program ipfs, so that Kubo is linked once.
const asIPFS = "NETABASE_KUBO_IS_IPFS"

func TestMain(m *testing.M) {
	if os.Getenv(asIPFS) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestProof goes through what a repo has to stand, at the size that NETABASE_KUBO_MB
// gives and otherwise a small one. See also the command prove.
func TestProof(t *testing.T) {
	mb := 8
	if given := os.Getenv("NETABASE_KUBO_MB"); given != "" {
		var err error
		if mb, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, layout := range ipfs.Ours {
		t.Run(layout.Name, func(t *testing.T) {
			err := proof.Prove(t.Context(), t.TempDir(), proof.Config{
				Program: program, Env: []string{asIPFS + "=1"}, Layout: layout, MB: mb, Kills: 1,
				Log: func(step string) { t.Log(step) },
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
