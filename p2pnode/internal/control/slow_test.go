package control

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a listener of one connection within the process.
type pipe struct {
	conns  chan net.Conn
	closed sync.Once
}

func (p *pipe) Accept() (net.Conn, error) {
	if conn, ok := <-p.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p *pipe) Close() error {
	p.closed.Do(func() { close(p.conns) })
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// servePipe serves a node on a connection, until the returned function is called.
func servePipe(t *testing.T, o Options) (conn net.Conn, end func()) {
	conn, far := net.Pipe()
	listener := &pipe{conns: make(chan net.Conn, 1)}
	listener.conns <- far
	server := NewServer(t.Context(), New(o), nil)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return conn, func() {
		if err := errors.Join(conn.Close(), server.Close()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

// An import whose lines stop coming ends, and says so. The lines before are stored.
func TestAnImportThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		conn, end := servePipe(t, Options{Node: n, Token: testToken})
		begun := time.Now()
		fmt.Fprintf(conn, "POST /v1/trees/log.entry/import HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: %s\r\nContent-Length: 1000\r\n\r\n%s\n", testToken, typeLines, `{"ID": 7, "Title": "seven"}`)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "within 10s") ||
			!strings.Contains(string(body), "stored before it: 1, refused: 0") {
			t.Errorf("it says %d %s, %v", answer.StatusCode, body, err)
		}
		if took := time.Since(begun); took != bodyTime {
			t.Errorf("it took %v", took)
		}
		end()
		key, err := n.Trees[0].keys.encode("7", true)
		if err != nil {
			t.Fatal(err)
		}
		if has, err := n.Trees[0].Raw().Has(t.Context(), n.Store, key); !has || err != nil {
			t.Errorf("the line before is stored: %t, %v", has, err)
		}
	})
}

// A client that announces a body and does not send it loses its connection, however its request is
// answered.
func TestABodyThatDoesNotCome(t *testing.T) {
	for _, path := range []string{"/v1/trees/log.entry/put", "/v1/nothing", "/v1/version", "/v1/verify"} {
		for _, token := range []string{"", testToken} {
			synctest.Test(t, func(t *testing.T) {
				conn, end := servePipe(t, Options{Node: newNode(t), Token: testToken})
				defer end()
				begun := time.Now()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
					"Content-Type: %s\r\nContent-Length: 1000\r\n\r\n{", path, token, typeJSON)
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				if took := time.Since(begun); took < bodyTime || took > 2*bodyTime {
					t.Errorf("%s: the connection ended after %v", path, took)
				}
			})
		}
	}
}

// A client that asks for a page and does not read it loses its connection.
func TestAPageThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
		conn, end := servePipe(t, Options{Node: newNode(t), Token: testToken, Page: page})
		defer end()
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(writeTime + time.Second)
		if read, err := io.Copy(io.Discard, conn); read != 0 {
			t.Errorf("afterwards %d bytes come, %v", read, err)
		}
	})
}
