package control

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

// NewServer returns a server with handler, whose bounds are those of this package. Requests end
// with ctx. Serve it on a listener that Bounded returned.
func NewServer(ctx context.Context, handler http.Handler, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler: timed(handler), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		WriteTimeout: writeTime, // streams extend it
		BaseContext:  func(net.Listener) context.Context { return ctx },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	if log != nil {
		server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // what clients do wrong
	}
	return server
}

// timed returns a handler that gives clients time for the body of a request. The deadline also ends
// the reading of a body that the handler has left, before its answer is sent. A handler that goes on
// after the body takes it back: it would end the request.
func timed(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // of a broken connection
		}
		handler.ServeHTTP(w, r)
	})
}

// Bounded returns a listener with which so many connections are open at once, and no more.
func Bounded(l net.Listener) net.Listener { return netutil.LimitListener(l, maxConnections) }

// SameOrigin returns a handler for a listener on loopback with the address addr, which refuses
// requests that a page of another origin makes: the host that a request names has to be a name of
// loopback with this port, and the origin, where there is one, has to be the same. So a name that
// somebody points at this machine is refused too.
func SameOrigin(addr net.Addr, handler http.Handler) http.Handler {
	_, port, err := net.SplitHostPort(addr.String())
	hosts := []string{"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port}
	if host, _, hostErr := net.SplitHostPort(addr.String()); hostErr == nil {
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	if port == "80" { // browsers leave it out
		hosts = append(hosts, "127.0.0.1", "localhost", "[::1]")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := foreign(r, hosts); err != nil || why != "" {
			writeFault(w, http.StatusForbidden, &api.Error{Code: api.Forbidden, Message: why})
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// foreign says why a request does not come from a page that this server has served, nor from a
// program. It is empty for one that does.
func foreign(r *http.Request, hosts []string) string {
	host := strings.ToLower(r.Host)
	if !slices.Contains(hosts, host) {
		return "the host of a request has to be a loopback address with the port of this server"
	}
	for _, origin := range r.Header.Values("Origin") {
		of, err := url.Parse(origin)
		if err != nil || of.Scheme != "http" || strings.ToLower(of.Host) != host {
			return "requests of pages of other origins are refused"
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return "requests of pages of other origins are refused"
		}
	}
	return ""
}
