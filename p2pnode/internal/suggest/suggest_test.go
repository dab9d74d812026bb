package suggest_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/suggest"
)

func TestWord(t *testing.T) {
	known := []string{"get", "put", "publish", "providers", "provide", "verify", "club.member"}
	for word, want := range map[string]string{
		"pubish": "publish", "upt": "put", "provde": "provide", "PUT": "put", "club.membre": "club.member",
		"varify": "verify", "providrs": "providers", "zzz": "", "": "", "completely-other": "", "x": "",
	} {
		if got := suggest.Word(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := suggest.Word("put", nil); got != "" {
		t.Errorf("%q", got)
	}
}
