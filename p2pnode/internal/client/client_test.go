package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/client"
)

// token is the token of a node.
var token = strings.Repeat("5ec7e7", 11)[:64]

// serve returns a client of a handler that answers on one path.
func serve(t *testing.T, path string, handle http.HandlerFunc) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(path, handle)
	c := client.Serve(mux, "secret")
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestPages(t *testing.T) {
	var limits []string
	c := serve(t, "GET /v1/trees/{tree}/rows", func(w http.ResponseWriter, r *http.Request) {
		limits = append(limits, r.FormValue("limit"))
		var page api.Page
		first := 0
		_, _ = fmt.Sscan(r.FormValue("page"), &first)
		for i := first; i < first+2; i++ {
			page.Rows = append(page.Rows, api.Row{Key: fmt.Sprint(i)})
		}
		if first < 6 {
			page.Next = fmt.Sprint(first + 2)
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	for _, test := range []struct {
		limit, want int
		asked       string
	}{{0, 8, "1000 1000 1000 1000"}, {5, 6, "5 3 1"}, {2, 2, "2"}} {
		limits = nil
		n := 0
		for row, err := range c.Rows(t.Context(), "club.member", client.Query{Limit: test.limit}) {
			if err != nil || row.Key != fmt.Sprint(n) {
				t.Fatal(row, err)
			}
			n++
		}
		if n != test.want || strings.Join(limits, " ") != test.asked {
			t.Errorf("limit %d: %d rows, %v", test.limit, n, limits)
		}
	}
}

func TestErrors(t *testing.T) {
	c := serve(t, "/v1/", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/status":
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"error":{"code":"conflict","message":"a better record is stored"}}`)
		case "/v1/peers":
			http.Error(w, "broken", http.StatusInternalServerError)
		case "/v1/trees/a.b/export":
			fmt.Fprintln(w, `{"error":{"code":"a field of a row","x":1}}`)
			fmt.Fprintln(w, `{"error":{"code":"damaged","message":"a row is damaged"}}`)
		case "/v1/trees/a.b/watch":
			fmt.Fprintln(w, `{"kind":"stored","key":"1"}`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // as if the node were killed
		}
	})
	var failed *api.Error
	if _, err := c.Status(t.Context()); !errors.As(err, &failed) || failed.Code != api.Conflict {
		t.Error(err)
	}
	if _, err := c.Peers(t.Context()); !errors.As(err, &failed) || failed.Code != api.Internal {
		t.Error(err)
	}
	n := 0
	for row, err := range c.Export(t.Context(), "a.b") {
		if n++; n == 1 && (err != nil || !strings.Contains(string(row), "field")) ||
			n == 2 && (!errors.As(err, &failed) || failed.Code != api.Damaged) {
			t.Error(n, string(row), err)
		}
	}
	n = 0
	for _, err := range c.Watch(t.Context(), "a.b") {
		if n++; n == 2 && !errors.Is(err, client.ErrUnreachable) || n == 1 && err != nil {
			t.Error(n, err)
		}
	}
	if n != 2 {
		t.Errorf("a stream that broke off had %d lines", n)
	}
}

// TestDial checks what is said of directories without a node: none, or one that was killed.
func TestDial(t *testing.T) {
	dir := t.TempDir()
	for _, dir := range []string{filepath.Join(dir, "none"), dir} {
		if _, err := client.Dial(t.Context(), dir); !errors.Is(err, client.ErrNotRunning) {
			t.Error(err)
		}
	}
	socket := filepath.Join(dir, "control.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(t.Context(), dir); err == nil || errors.Is(err, client.ErrNotRunning) {
		t.Errorf("without a token: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "control.token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token || r.Host != "localhost" {
			t.Error(r.Header, r.Host)
		}
		fmt.Fprint(w, `{"peer":"12D3"}`)
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	c, err := client.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.Peer != "12D3" {
		t.Error(status, err)
	}
	if err := errors.Join(c.Close(), server.Close()); err != nil {
		t.Error(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	// A socket that is left behind.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(t.Context(), dir); !errors.Is(err, client.ErrNotRunning) {
		t.Error(err)
	}
}
