package demo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/demo"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/loopback"
)

const records = `{"import_path":"a","name":"a","module":"std","imports":1}
{"import_path":"b/c","name":"c","module":"std","imports":2}
{"import_path":"d","name":"d","module":"other","imports":3}
`

// fetch reads JSON and returns the status.
func fetch(t *testing.T, url string, into any) int {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer answer.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	} else {
		err = json.NewDecoder(answer.Body).Decode(into)
	}
	if err != nil {
		t.Errorf("%s: %v", url, err)
	}
	return answer.StatusCode
}

func TestThePageShowsEveryPeer(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	time.AfterFunc(2*time.Minute, func() { cancel(fmt.Errorf("it takes too long")) })
	opts := demo.Options{
		Peers: 4, Replication: 2, Engine: demo.Memory, Records: "-", Stdin: strings.NewReader(records), Seed: 1,
		HTTP: "127.0.0.1:0",
	}
	var kinds []string
	var url string
	events := make(chan api.Event, 1000)
	summary, err := demo.Run(ctx, opts, func(e demo.Event) {
		switch e := e.(type) {
		case demo.Serving:
			url = e.URL
			follow(t, ctx, url, events)
		case demo.Open:
			checkPage(t, url)
			cancel(nil)
		}
		kinds = append(kinds, e.Kind())
	})
	if err != nil || !summary.OK() {
		t.Errorf("%+v, %v", summary, err)
	}
	if last := strings.Join(kinds[len(kinds)-2:], " "); last != "summary open" {
		t.Errorf("the last events are %s", last)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("the page is served on after the end")
	}
	seen := map[api.EventKind]int{}
	for e := range events {
		seen[e.Kind]++
		if e.Peer == "" || e.Kind == api.Published && (e.Tree != "golang.package" || len(e.To) == 0) {
			t.Errorf("an event lacks something: %+v", e)
		}
	}
	// Four peers start, one of them comes back, and one joins. One is stopped, and all are in the end.
	for kind, least := range map[api.EventKind]int{
		api.PeerUp: 6, api.PeerDown: 1, api.Published: 3, api.Placed: 6, api.Stored: 3, api.Resolved: 3, api.Asked: 3,
	} {
		if seen[kind] < least {
			t.Errorf("%d events %s, at least %d have to come: %v", seen[kind], kind, least, seen)
		}
	}
}

// follow sends the events of the page to a channel, which it closes when they end.
func follow(t *testing.T, ctx context.Context, url string, events chan<- api.Event) {
	t.Helper()
	answer, err := http.Get(url + "v1/events")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(events)
		defer answer.Body.Close()
		lines := json.NewDecoder(answer.Body)
		for {
			var e struct {
				api.Event
				Error *api.Error
			}
			if lines.Decode(&e) != nil || e.Error != nil {
				return
			}
			events <- e.Event
		}
	}()
}

// checkPage looks at the page of a network that has four peers and one that joined.
func checkPage(t *testing.T, url string) {
	if status := fetch(t, url, nil); status != http.StatusOK {
		t.Errorf("the page has status %d", status)
	}
	var network api.Network
	fetch(t, url+"v1/network", &network)
	if len(network.Peers) != 5 {
		t.Fatalf("%d peers", len(network.Peers))
	}
	total := 0
	for i, p := range network.Peers {
		if p.Name != fmt.Sprint(i+1) || p.Base != "/peer/"+p.Name || !p.Up || !p.Self || len(p.Links) == 0 {
			t.Errorf("peer %d is %+v", i+1, p)
		}
		var status api.Status
		fetch(t, url+p.Base[1:]+"/v1/status", &status)
		if status.Peer != p.ID {
			t.Errorf("below %s is %s, and not %s", p.Base, status.Peer, p.ID)
		}
		var page api.Page
		fetch(t, url+p.Base[1:]+"/v1/trees/golang.package/rows", &page)
		if int64(len(page.Rows)) != p.Held {
			t.Errorf("peer %d has %d rows, and %d are said to be held", i+1, len(page.Rows), p.Held)
		}
		total += len(page.Rows)
	}
	if total < 3*2 {
		t.Errorf("%d rows on all peers", total)
	}
	missing := []string{"v1/status", "peer/6/v1/status", "peer/0/v1/status", "peer/x/v1/status", "peer/1/other"}
	for _, path := range missing {
		var failure api.Failure
		if status := fetch(t, url+path, &failure); status != http.StatusNotFound || failure.Error == nil {
			t.Errorf("%s: status %d, %+v", path, status, failure.Error)
		}
	}
}

func TestThePageIsForThisMachineAlone(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":8080", "192.0.2.1:80", "example.org:80", "127.0.0.1"} {
		opts := demo.Options{Peers: 4, Replication: 2, Engine: demo.Memory, HTTP: loopback.Address(address)}
		if err := opts.Validate(); err == nil || !strings.Contains(err.Error(), "-http") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
