// Package page serves the web page of p2pnode: the network, the data and the work of a node, or of
// all peers of a demonstration. The page is made from the sources in p2pnode/web, by
//
//	cd p2pnode/web && npm ci && npm run build
//
// which writes the files that this package embeds. They are kept in the repository, so that building
// the program takes no Node.
//
// The page speaks to the control interface of the server that it comes from (see package api), and
// loads nothing from elsewhere.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed dist
var files embed.FS

// policy lets the page use its own files and speak to its own server. Nothing may be written into
// the page as code, nor may another page frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is a file of the page, and the headers that belong to it.
type file struct {
	content     []byte
	contentType string
	tag         string
}

// Handler returns the handler of the page at / and of its files beside it. Other paths are not
// found. It may be used concurrently.
func Handler() http.Handler {
	pages := map[string]file{}
	for _, name := range names() {
		content, err := files.ReadFile("dist/" + name)
		if err != nil {
			panic(err) // names are those of the embedded files
		}
		sum := sha256.Sum256(content)
		pages["/"+name] = file{content, contentType(name), `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	pages["/"] = pages["/index.html"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page can only be read", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Type", f.contentType)
		// The browser asks each time, and gets the file again only if the program has another one.
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}

// names returns the names of the files.
func names() []string {
	entries, err := fs.ReadDir(files, "dist")
	if err != nil {
		panic(err) // the directory is embedded
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// contentType returns the type of a file by its name. Types of the system's own table could differ
// from machine to machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "text/plain; charset=utf-8"
}
