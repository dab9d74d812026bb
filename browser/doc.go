// Package browser makes a web page a libp2p peer. It builds for js and wasm.
//
//	key, release, err := browser.Identity(ctx, "board") // the same after a reload
//	defer release()
//	host, err := browser.New(browser.Options{Key: key, Relays: relays})
//
// The host is an ordinary host.Host. kad-dht, record, pubsub and everything else run on it by the same calls
// as on a server:
//
//	d, err := dht.New(host, records.DHTOptions()...)
//	node, err := record.Join(records, d)
//	err = host.Connect(ctx, server)
//
// It dials by the browser's own WebSocket, WebTransport and, in a page, WebRTC. A server for pages listens on one of
// them, or on several: /ip4/127.0.0.1/tcp/4001/ws, /dns4/example.com/tcp/443/tls/ws, or without a certificate of an
// authority /ip4/192.0.2.1/udp/4001/quic-v1/webtransport/certhash/… or, with the second version of webrtc-direct,
// /ip4/192.0.2.1/udp/4003/webrtc-direct/certhash/…. A page cannot listen. Others reach it through the relays that
// it has a reservation with.
//
// Build the program with the command browser/pagebuild, which makes it smaller than go build does.
//
// Run a peer that does much in a Worker: the page is redrawn only while all goroutines wait.
package browser
