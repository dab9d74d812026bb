//go:build !js

package browser_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	dhtpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	libp2pwebrtc "github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/internal/webtest"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// TestMain starts two native peers, and runs the tests in a browser.
func TestMain(m *testing.M) {
	ctx := context.Background()
	a, err := start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	b, err := start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := a.host.Connect(ctx, peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()}); err != nil {
		log.Fatal(err)
	}
	all := surroundings{Peers: []native{a.native(), b.native()}}
	if all.Mute, err = mute(all.Peers[0]); err != nil {
		log.Fatal(err)
	}
	if all.Flood, err = flood(binaryMessage); err != nil {
		log.Fatal(err)
	}
	if all.Text, err = flood(textMessage); err != nil {
		log.Fatal(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Setenv(peersVariable, string(text)); err != nil {
		log.Fatal(err)
	}
	webtest.Main(m, webtest.Page, webtest.Worker) // it ends the process, and the peers with it
}

// TestBrowser says why the other tests, which run in a browser, do not run.
func TestBrowser(t *testing.T) { webtest.Needs(t) }

// server is a native peer.
type server struct {
	host    host.Host
	records *record.Records
	node    *record.Node
	ask     *dhtpb.ProtocolMessenger
}

func start(ctx context.Context) (*server, error) {
	records, err := record.Open(ctx, memory.Engine(), record.Options{Models: []*models.Definition{Pad}})
	if err != nil {
		return nil, err
	}
	certificate, err := webtest.Certificate()
	if err != nil {
		return nil, err
	}
	withTLS := websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate}})
	h, err := libp2p.New(
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(webtransport.New),
		libp2p.Transport(websocket.New, withTLS), libp2p.Transport(libp2pwebrtc.New),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0/tls/ws",
			"/ip4/127.0.0.1/udp/0/quic-v1/webtransport", "/ip4/127.0.0.1/udp/0/webrtc-direct"),
		libp2p.DisableMetrics(), libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithInfiniteLimits()),
	)
	if err != nil {
		return nil, err
	}
	d, err := dht.New(h, append(records.DHTOptions(), dht.Mode(dht.ModeServer))...)
	if err != nil {
		return nil, err
	}
	node, err := record.Join(records, d)
	if err != nil {
		return nil, err
	}
	ps, err := record.NewPubSub(ctx, h)
	if err != nil {
		return nil, err
	}
	go func() {
		err := node.KeepSynced(ctx, record.KeepSynced{Topics: []string{AllNotes.Name()}, PubSub: ps})
		log.Print(err) // it does not end
	}()
	ask, err := dhtpb.NewProtocolMessenger(d.MessageSender())
	if err != nil {
		return nil, err
	}
	s := &server{h, records, node, ask}
	h.SetStreamHandler(sinkProtocol, func(s network.Stream) {
		_, err := io.Copy(io.Discard, s)
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		end(s, err)
	})
	h.SetStreamHandler(sourceProtocol, func(s network.Stream) {
		_, err := io.Copy(s, io.LimitReader(zeros{}, sourceBytes))
		end(s, err)
	})
	h.SetStreamHandler(silentProtocol, func(s network.Stream) {
		<-ctx.Done() // the stream ends with the connection
		_ = s.Reset()
	})
	h.SetStreamHandler(resetProtocol, func(s network.Stream) {
		_, _ = io.ReadFull(s, make([]byte, 1)) // it is reset in any case
		_ = s.ResetWithError(resetCode)
	})
	h.SetStreamHandler(controlProtocol, s.control)
	return s, nil
}

// end ends a stream after its work.
func end(s network.Stream, err error) {
	if err != nil {
		_ = s.Reset() // the other side sees that
		return
	}
	_ = s.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// native returns what pages know of the peer.
func (s *server) native() native {
	n := native{ID: s.host.ID().String()}
	for _, a := range s.host.Addrs() {
		switch text := a.String(); {
		case strings.HasSuffix(text, "/tls/ws"):
			n.WSS = text
		case strings.HasSuffix(text, "/ws"):
			n.WS = text
		case strings.Contains(text, "/webtransport"):
			n.WT = text
		case strings.Contains(text, "/webrtc-direct"):
			n.RTC = text
		}
	}
	return n
}

// control answers a question of a page.
func (s *server) control(stream network.Stream) {
	var q question
	a := answer{}
	err := json.NewDecoder(stream).Decode(&q)
	if err == nil {
		err = s.answer(&q, stream.Conn().RemotePeer(), &a)
	}
	if err != nil {
		a.Error = err.Error()
	}
	err = json.NewEncoder(stream).Encode(a)
	end(stream, err)
	if q.Do == "drop" {
		time.Sleep(100 * time.Millisecond) // the answer is on its way
		_ = s.host.Network().ClosePeer(stream.Conn().RemotePeer())
	}
}

func (s *server) answer(q *question, page peer.ID, a *answer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch q.Do {
	case "drop":
		return nil
	case "find":
		for note, err := range NoteByAuthor.Find(ctx, s.records.Store(), q.Author) {
			if err != nil {
				return err
			}
			a.Texts = append(a.Texts, note.Text)
		}
		return nil
	case "store":
		return Notes.Put(ctx, s.records.Store(), &q.Note)
	case "publish":
		_, err := record.Publish(ctx, s.node, Notes, &q.Note)
		return err
	case "hello", "ask":
		to, err := peer.AddrInfoFromString(q.Address)
		if err != nil {
			return err
		}
		if err := s.host.Connect(ctx, *to); err != nil {
			return err
		}
		if q.Do == "hello" {
			return s.hello(ctx, to.ID, a)
		}
		rec, _, err := s.ask.GetValue(ctx, to.ID, q.Key)
		if err != nil {
			return err
		}
		a.Texts = []string{string(rec.GetValue())}
		return nil
	default:
		return fmt.Errorf("no question: %q", q.Do)
	}
}

// hello sends a word to a page, which sends it back.
func (s *server) hello(ctx context.Context, page peer.ID, a *answer) error {
	stream, err := s.host.NewStream(ctx, page, helloProtocol)
	if err != nil {
		return err
	}
	defer stream.Close()
	if _, err := stream.Write([]byte("hello")); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return err
	}
	var back bytes.Buffer
	if _, err := back.ReadFrom(stream); err != nil {
		return err
	}
	a.Texts, a.By = []string{back.String()}, stream.Conn().RemoteMultiaddr().String()
	if stream.Conn().Stat().Limited {
		return errors.New("the connection is limited")
	}
	return nil
}
