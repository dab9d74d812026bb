package loopback_test

import (
	"flag"
	"io"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/loopback"
)

func TestAddress(t *testing.T) {
	for arg, want := range map[string]string{
		"-http": "127.0.0.1:0", "-http=127.0.0.1:8080": "127.0.0.1:8080", "-http=[::1]:1": "[::1]:1",
		"-http=localhost:65535": "localhost:65535", "-http=false": "", "-http=": "",
		"-http=0.0.0.0:0": "refused", "-http=:8080": "refused", "-http=192.0.2.1:80": "refused",
		"-http=example.org:80": "refused", "-http=127.0.0.1": "refused", "-http=127.0.0.1:65536": "refused",
	} {
		var got loopback.Address
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		flags.Var(&got, "http", "")
		if err := flags.Parse([]string{arg}); err != nil {
			got = "refused"
		}
		if string(got) != want {
			t.Errorf("%s: %q, want %q", arg, got, want)
		}
	}
}
