//go:build !js

package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

//go:embed web
var web embed.FS

// app is the page's server and the native peers.
type app struct {
	url    string
	peers  []*native
	server *http.Server
	dir    string
}

// startApp builds the page, starts the peers, and serves the page on a loopback address.
func startApp(ctx context.Context, listen string) (_ *app, err error) {
	a := new(app)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.dir, err = os.MkdirTemp("", "board"); err != nil {
		return nil, err
	}
	const module = "github.com/newsnet-africa/netabase-go"
	build := exec.CommandContext(ctx, "go", "run", module+"/browser/pagebuild", "-o", a.dir,
		module+"/examples/browser/page")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the page: %w\n%s", err, out)
	}
	for range 2 {
		p, err := startNative(ctx, a.peers)
		if err != nil {
			return nil, err
		}
		a.peers = append(a.peers, p)
	}
	files, err := fs.Sub(web, "web")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	built := http.FileServer(http.Dir(a.dir))
	mux.Handle("GET /page.wasm", built)
	mux.Handle("GET /wasm_exec.js", built)
	mux.HandleFunc("GET /peers.json", a.servePeers)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, err
	}
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = a.server.Serve(listener) }() // until it is closed
	a.url = "http://" + listener.Addr().String() + "/"
	return a, nil
}

// servePeers tells the page how to reach the peers. The addresses have the hashes of their certificates,
// which change every few days.
func (a *app) servePeers(w http.ResponseWriter, _ *http.Request) {
	infos := make([]peer.AddrInfo, len(a.peers))
	for i, p := range a.peers {
		infos[i] = p.info()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(infos) // the page is gone if it fails
}

func (a *app) close() error {
	var errs []error
	if a.server != nil {
		errs = append(errs, a.server.Close())
	}
	for _, p := range a.peers {
		errs = append(errs, p.close())
	}
	return errors.Join(append(errs, os.RemoveAll(a.dir))...)
}
