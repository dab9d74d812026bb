// Package webtest runs the tests of a package in a browser. The package has a file for the machine
// that go test runs on, with TestMain, and its tests are in files for js and wasm:
//
//	//go:build !js
//
//	func TestMain(m *testing.M) { webtest.Main(m, webtest.Page, webtest.Worker) }
//
//	func TestBrowser(t *testing.T) { webtest.Needs(t) }
//
// Then `go test` builds the tests for js and wasm, runs them in Chromium with its own flags and its
// environment variables named NETABASE_…, prints what they print, and fails when they do. TestMain may set
// variables before Main, as the addresses of servers that it has started. Without a browser it skips
// TestBrowser, which says so.
//
// NETABASE_BROWSER_FLAGS has flags for the browser, as a trial of what a later version does:
//
//	NETABASE_BROWSER_FLAGS=--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/ go test ./browser
//
// Tests that drive a page of their own call Start.
//
// Tests in a browser have one processor. Those that call Parallel run at most 8 at a time unless -parallel says
// otherwise, since most wait.
package webtest

// Name4 is a name that has the address 127.0.0.1, and no other, in the browsers that the package starts.
const Name4 = "ip4.test"
