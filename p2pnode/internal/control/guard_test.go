package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/dynamic"
	"github.com/newsnet-africa/netabase-go/models/shape"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/record"
)

const testToken = "0123456789abcdef"

// entry is the model of the tests.
type entry struct {
	ID    uint64
	Title string
	Tags  []string
	At    time.Time
}

type byTag = models.Pair[string, uint64]

var (
	entries = models.NewTree("entry", models.Uint64, func(e *entry) uint64 { return e.ID },
		models.KeyFields[entry]("ID"))
	_ = models.NewMulti(entries, "tag", models.String, func(e *entry) []string { return e.Tags },
		models.Fields[entry]("Tags"))
	_ = models.NewIndex(entries, "title_id", models.PairOf(models.String, models.Uint64),
		func(e *entry) byTag { return models.MakePair(e.Title, e.ID) }, models.Fields[entry]("Title", "ID"))
	_ = models.NewBlind(entries, "secret", models.String, func(e *entry) string { return e.Title },
		models.Fields[entry]("Title"))

	_ = models.NewDefinition("log", entries)
)

// newNode returns a node without a network.
func newNode(t testing.TB) *Node {
	t.Helper()
	// A blind index needs a key.
	key := datastore.OpenOptions{Key: datastore.SecretKey(make([]byte, 32))}
	definitions, err := dynamic.Definitions([]shape.Schema{entries.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	store := datastore.Temp(t, memory.Engine(), record.Definition, definitions[0].Definition, key)
	records, err := record.New(context.Background(), store, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	tree, err := HostDynamic(definitions[0].Trees()[0])
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Store: store, Records: records, Trees: []*Tree{tree}, Events: hub.New(), Version: "test"}
	t.Cleanup(n.Events.Close)
	return n
}

// serve serves a node on loopback, as a daemon does.
func serve(t testing.TB, n *Node) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := NewServer(ctx, SameOrigin(listener.Addr(), New(Options{Node: n, Token: testToken})), nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(Bounded(listener)) }()
	t.Cleanup(func() {
		cancel()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// request makes a request with headers, which are names and values in turn.
func request(t testing.TB, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

func send(t testing.TB, r *http.Request) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestStrangersAreRefused(t *testing.T) {
	address := serve(t, newNode(t))
	_, port, _ := net.SplitHostPort(address)
	url := "http://" + address
	const put = "/v1/trees/log.entry/put"
	const row = `{"row": {"ID": 1, "Title": "one"}}`
	asJSON := []string{"Content-Type", "application/json"}
	token := append([]string{"Authorization", "Bearer " + testToken}, asJSON...)
	for _, of := range []struct {
		name    string
		r       *http.Request
		status  int
		withErr api.Code
	}{
		{"as it should be", request(t, "GET", url+"/v1/version", ""), 200, ""},
		{"by name", request(t, "GET", url+"/v1/version", "", "Host", "localhost:"+port), 200, ""},
		{"by version 6", request(t, "GET", url+"/v1/version", "", "Host", "[::1]:"+port), 200, ""},
		{"a name that points here", request(t, "GET", url+"/v1/version", "", "Host", "evil.example:"+port), 403, api.Forbidden},
		{"a name that begins like one", request(t, "GET", url+"/v1/version", "", "Host", "localhost.evil.example:"+port), 403, api.Forbidden},
		{"another port", request(t, "GET", url+"/v1/version", "", "Host", "127.0.0.1:1"), 403, api.Forbidden},
		{"no port", request(t, "GET", url+"/v1/version", "", "Host", "127.0.0.1"), 403, api.Forbidden},
		{"another address", request(t, "GET", url+"/v1/version", "", "Host", "10.0.0.1:"+port), 403, api.Forbidden},
		{"the same origin", request(t, "GET", url+"/v1/version", "", "Origin", url), 200, ""},
		{"another origin", request(t, "GET", url+"/v1/version", "", "Origin", "https://evil.example"), 403, api.Forbidden},
		{"another port's origin", request(t, "GET", url+"/v1/version", "", "Origin", "http://127.0.0.1:1"), 403, api.Forbidden},
		{"another scheme", request(t, "GET", url+"/v1/version", "", "Origin", "https://"+address), 403, api.Forbidden},
		{"no origin to speak of", request(t, "GET", url+"/v1/version", "", "Origin", "null"), 403, api.Forbidden},
		{"two origins", request(t, "GET", url+"/v1/version", "", "Origin", url, "Origin", "https://evil.example"), 403, api.Forbidden},
		{"another site", request(t, "GET", url+"/v1/version", "", "Sec-Fetch-Site", "cross-site"), 403, api.Forbidden},
		{"the same site", request(t, "GET", url+"/v1/version", "", "Sec-Fetch-Site", "same-site"), 403, api.Forbidden},
		{"its own page", request(t, "GET", url+"/v1/version", "", "Sec-Fetch-Site", "same-origin"), 200, ""},
		{"a metric", request(t, "GET", url+"/metrics", "", "Host", "evil.example"), 403, api.Forbidden},

		{"no token", request(t, "POST", url+put, row, asJSON...), 401, api.NoToken},
		{"a wrong token", request(t, "POST", url+put, row, append(asJSON, "Authorization", "Bearer "+testToken+"0")...), 401, api.NoToken},
		{"a part of the token", request(t, "POST", url+put, row, append(asJSON, "Authorization", "Bearer "+testToken[1:])...), 401, api.NoToken},
		{"the token alone", request(t, "POST", url+put, row, append(asJSON, "Authorization", testToken)...), 401, api.NoToken},
		{"asking others", request(t, "GET", url+"/v1/trees/log.entry/holders?key=1", ""), 401, api.NoToken},
		{"no type", request(t, "POST", url+put, row, token[:2]...), 400, api.Invalid},
		{"a form", request(t, "POST", url+put, row, "Authorization", "Bearer "+testToken, "Content-Type", "text/plain"), 400, api.Invalid},
		{"a body with more", request(t, "POST", url+put, row+"{}", token...), 400, api.Invalid},
		{"an unknown member", request(t, "POST", url+put, `{"rows": {}}`, token...), 400, api.Invalid},
		{"an unknown field", request(t, "POST", url+put, `{"row": {"ID": 1, "Titel": "one"}}`, token...), 400, api.Invalid},
		{"a huge body", request(t, "POST", url+put, `{"row": "`+strings.Repeat("x", maxBody)+`"}`, token...), 413, api.TooLarge},
		{"an unknown parameter", request(t, "GET", url+"/v1/trees/log.entry/rows?limt=1", ""), 400, api.Invalid},
		{"a parameter twice", request(t, "GET", url+"/v1/trees/log.entry/rows?limit=1&limit=2", ""), 400, api.Invalid},
		{"another method", request(t, "DELETE", url+"/v1/version", ""), 405, api.Invalid},
		{"no path", request(t, "GET", url+"/v1/tree", ""), 404, api.NotFound},
		{"a put", request(t, "POST", url+put, row, token...), 200, ""},
	} {
		status, body := send(t, of.r)
		var failure api.Failure
		if of.withErr != "" {
			if err := json.Unmarshal([]byte(body), &failure); err != nil || failure.Error == nil {
				t.Errorf("%s: the answer is %q", of.name, body)
				continue
			}
		}
		if status != of.status || failure.Error != nil && failure.Error.Code != of.withErr {
			t.Errorf("%s: %d %s", of.name, status, body)
		}
	}
}

func TestNoHeadersForOtherOrigins(t *testing.T) {
	address := serve(t, newNode(t))
	r := request(t, "GET", "http://"+address+"/v1/version", "")
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("there is a header %s", name)
		}
	}
	if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", answer.Header)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	address := serve(t, newNode(t))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A body that is not read would reset the connection, and the answer could be lost.
	fmt.Fprintf(conn, "GET /v1/version HTTP/1.1\r\nHost: %s\r\nX-Long: %s", address, strings.Repeat("x", maxHeader+4096))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 431 ") {
		t.Errorf("the answer is %q, %v", line, err)
	}
}

// A client that sends its header slowly, or never reads, loses its connection, and holds up nobody.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	address := serve(t, n)
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "GET /v1/version HTTP/1.1\r\nHost: %s\r\nX-Slow: ", address)
	begun := time.Now()
	if status, _ := send(t, request(t, "GET", "http://"+address+"/v1/version", "")); status != 200 {
		t.Errorf("meanwhile the status is %d", status)
	}
	if _, err := io.Copy(io.Discard, slow); err != nil && !errors.Is(err, io.EOF) {
		t.Logf("the connection ends with %v", err)
	}
	if took := time.Since(begun); took < headerTime/2 || took > 2*headerTime {
		t.Errorf("the connection ended after %v", took)
	}
}

// Readers of events who do not read are told that they lag. All others get everything, and the memory
// for those who do not read is bounded.
func TestReadersThatDoNotRead(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	address := serve(t, n)
	readers := maxStreams - 1
	var conns []net.Conn
	for range readers {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: %s\r\n\r\n", address)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("the answer is %q, %v", line, err)
		}
		conns = append(conns, conn)
	}
	r := request(t, "GET", "http://"+address+"/v1/events", "")
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if status, body := send(
		t,
		request(t, "GET", "http://"+address+"/v1/events", ""),
	); status != http.StatusTooManyRequests {
		t.Errorf("one more: %d %s", status, body)
	}
	// Those who do not read have room for 1,024 events here, and for some more in the system.
	const events, atOnce = 20_000, 500
	before := heapInUse()
	lines := json.NewDecoder(answer.Body)
	for i := range events {
		if i%atOnce == 0 {
			for k := range atOnce {
				n.Events.Publish(api.Event{Kind: api.Stored, Key: strconv.Itoa(i + k), Reason: strings.Repeat("x", 500)})
			}
		}
		var e api.Event
		if err := lines.Decode(&e); err != nil || e.Key != strconv.Itoa(i) {
			t.Fatalf("event %d is %+v, %v", i, e, err)
		}
	}
	if grown := int64(heapInUse()) - int64(before); grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
	for _, conn := range conns {
		conn.Close()
	}
}

// heapInUse returns how many bytes are in use.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A crowd of connections costs bounded memory, and loses nothing. NETABASE_HOSTILE_CONTROL is how many
// there are.
func TestACrowdOfConnections(t *testing.T) {
	t.Parallel()
	crowd := 600
	if text := os.Getenv("NETABASE_HOSTILE_CONTROL"); text != "" {
		var err error
		if crowd, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	n := newNode(t)
	address := serve(t, n)
	before := heapInUse()
	var conns []net.Conn
	for range crowd {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			break // the queue of the system is full
		}
		conns = append(conns, conn)
	}
	goroutines := runtime.NumGoroutine()
	t.Logf("%d connections, %d goroutines, %d KiB", len(conns), goroutines, (int64(heapInUse())-int64(before))>>10)
	if len(conns) < maxConnections || goroutines > 4*maxConnections {
		t.Errorf("%d connections and %d goroutines", len(conns), goroutines)
	}
	if grown := int64(heapInUse()) - int64(before); grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
	for _, conn := range conns {
		conn.Close()
	}
	r := request(t, "POST", "http://"+address+"/v1/trees/log.entry/put", `{"row": {"ID": 1, "Title": "one"}}`,
		"Authorization", "Bearer "+testToken, "Content-Type", "application/json")
	if status, body := send(t, r); status != 200 {
		t.Errorf("afterwards: %d %s", status, body)
	}
	r = request(t, "GET", "http://"+address+"/v1/trees/log.entry/row?key=1", "")
	if status, body := send(t, r); status != 200 || !strings.Contains(body, `"Title":"one"`) {
		t.Errorf("the row: %d %s", status, body)
	}
}

// The page is served at the paths that are not the control interface's.
func TestThePage(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") })
	h := New(Options{Node: newNode(t), Page: page})
	for path, want := range map[string]bool{"/": true, "/app.js": true, "/v1/version": false, "/v1/tree": false, "/metrics": false} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(t, "GET", path, ""))
		if got := w.Body.String() == "the page"; got != want {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

// More requests at once than may be are refused, and not kept waiting.
func TestBusy(t *testing.T) {
	n := newNode(t)
	limits := NewLimits()
	h := New(Options{Node: n, Limits: limits})
	for range maxRequests {
		if _, ok := enter(limits.requests); !ok {
			t.Fatal("there are fewer places")
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, "GET", "/v1/version", ""))
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("the status is %d", w.Code)
	}
}

// Only few ordered lists are in memory at once. The others wait, until their clients leave.
func TestOrderedListsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := NewLimits()
		h := New(Options{Node: newNode(t), Limits: limits})
		for range maxOrderedLists {
			limits.ordered <- struct{}{}
		}
		ctx, leave := context.WithCancel(t.Context())
		answered := make(chan string, 2)
		for name, ctx := range map[string]context.Context{"leaves": ctx, "waits": t.Context()} {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, request(t, "GET", "/v1/trees/log.entry/rows?order=Title", "").WithContext(ctx))
				answered <- name + " " + w.Body.String()
			}()
		}
		synctest.Wait()
		if len(answered) > 0 {
			t.Error(<-answered)
		}
		leave()
		if got := <-answered; got != "leaves " {
			t.Error(got)
		}
		<-limits.ordered
		if got := <-answered; !strings.HasPrefix(got, `waits {"rows":[]`) {
			t.Error(got)
		}
	})
}

// deadlined notes the deadline that holds when an answer begins.
type deadlined struct {
	*httptest.ResponseRecorder
	deadline, atHeader time.Time
}

func (d *deadlined) SetWriteDeadline(at time.Time) error {
	d.deadline = at
	return nil
}

func (d *deadlined) WriteHeader(status int) {
	d.atHeader = d.deadline
	d.ResponseRecorder.WriteHeader(status)
}

// Clients have time to read an answer that says what is wrong, however long the request took.
func TestTimeForFaults(t *testing.T) {
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	begun := time.Now()
	New(Options{Node: newNode(t)}).ServeHTTP(w, request(t, "GET", "/v1/trees/no.such/rows", ""))
	if w.Code != http.StatusNotFound || w.atHeader.Before(begun.Add(writeTime)) {
		t.Errorf("status %d, and time until %v", w.Code, w.atHeader)
	}
}
