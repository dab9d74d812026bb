package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// post is a row of about 250 bytes that can change.
type post struct {
	Owner   peer.ID
	Version uint64
	Story   story
}

// posts is a tree of posts with an index and a topic, alone in its definition.
type posts[K any] struct {
	tree       *models.Tree[post, K]
	topic      *models.Topic[post, K]
	definition *models.Definition
}

func newPosts[K any](codec models.KeyCodec[K], key func(*post) K, options ...models.TreeOption[post]) posts[K] {
	tree := models.NewTree("post", codec, key, options...)
	models.NewIndex(tree, "by", models.Uint64, func(p *post) uint64 { return p.Story.Author })
	topic := models.NewTopic(tree, "all", nil)
	return posts[K]{tree, topic, models.NewDefinition("press", tree)}
}

// owned is the key of a signed post.
type owned = models.Pair[peer.ID, uint64]

func ownedKey(p *post) owned { return models.MakePair(p.Owner, p.Story.ID) }

var (
	openPosts = newPosts(models.Uint64, func(p *post) uint64 { return p.Story.ID },
		models.WithPolicy[post](models.Open), models.WithClock(func(p *post) uint64 { return p.Version }))
	signedPosts = newPosts(models.PairOf(record.PeerKey, models.Uint64), ownedKey,
		models.WithPolicy[post](models.Signed))
	// unsignedPosts has the rows of signedPosts for Import, which cannot sign.
	unsignedPosts = newPosts(models.PairOf(record.PeerKey, models.Uint64), ownedKey,
		models.WithPolicy[post](models.Open))
)

// nobody owns rows that are not signed. It is as long as the identity of a peer with an Ed25519 key.
const nobody peer.ID = "\x00\x24\x08\x01\x12\x20 nobody, but as long as one is \x00"

// toldStory is a story whose text is another one than that of others: the words of it in another order, so
// that it does not compress to nothing beside them.
func toldStory(id uint64) story {
	s := storyOf(id)
	words := strings.Fields(s.Text)
	random := rand.New(rand.NewPCG(id, 3))
	random.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	s.Text = strings.Join(words, " ")
	return s
}

// postsFrom yields posts from an id on.
func postsFrom(owner peer.ID, from, rows int) iter.Seq2[post, error] {
	return func(yield func(post, error) bool) {
		for id := from; id < from+rows; id++ {
			if !yield(post{Owner: owner, Version: 1, Story: toldStory(uint64(id))}, nil) {
				return
			}
		}
	}
}

// traffic counts the bytes that a host sends in streams. Those of libp2p's own counter are up to a
// second old.
type traffic struct {
	metrics.Reporter
	sent atomic.Int64
}

func newTraffic() *traffic { return &traffic{Reporter: metrics.NewBandwidthCounter()} }

func (t *traffic) LogSentMessage(bytes int64) { t.sent.Add(bytes) }

// syncPeer is a peer with a store of its own, that other peers know nothing of unless they are told.
type syncPeer struct {
	store   *datastore.Store
	records *record.Records
	host    host.Host
	dht     *dht.IpfsDHT
	node    *record.Node
	traffic *traffic
}

func newSyncHost(traffic *traffic) (host.Host, error) {
	return libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(),
		libp2p.DisableMetrics(), libp2p.BandwidthReporter(traffic))
}

func openSyncPeer(ctx context.Context, eng engine.Engine, d *models.Definition) (p *syncPeer, err error) {
	p = &syncPeer{traffic: newTraffic()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.store, err = datastore.Open(ctx, eng, record.Definition, d); err != nil {
		return p, err
	}
	p.records, err = record.New(ctx, p.store, record.Options{
		Models: []*models.Definition{d}, Bounds: record.Bounds{Records: -1, Bytes: -1},
	})
	if err != nil {
		return p, err
	}
	if p.host, err = newSyncHost(p.traffic); err != nil {
		return p, err
	}
	alone := dht.RoutingTableFilter(func(any, peer.ID) bool { return false })
	options := append(p.records.DHTOptions(), dht.Mode(dht.ModeServer), dht.DisableAutoRefresh(), alone)
	p.dht, err = dht.New(p.host, options...)
	if err != nil {
		return p, err
	}
	p.node, err = record.Join(p.records, p.dht)
	return p, err
}

// Close closes as much of the peer as is open.
func (p *syncPeer) Close() error {
	var all []error
	if p.dht != nil {
		all = append(all, p.dht.Close())
	}
	if p.host != nil {
		all = append(all, p.host.Close())
	}
	if p.records != nil {
		all = append(all, p.records.Close())
	}
	if p.store != nil {
		all = append(all, p.store.Close())
	}
	return errors.Join(all...)
}

// sync syncs a topic with another peer, and checks how many records went each way.
func (p *syncPeer) sync(
	ctx context.Context, with *syncPeer, topic models.AnyTopic, d record.Direction, pulled, pushed int,
) (record.SyncReport, error) {
	if err := connectHosts(ctx, p.host, with.host); err != nil {
		return record.SyncReport{}, err
	}
	report, err := p.node.Sync(ctx, with.host.ID(), topic.Name(), record.SyncOptions{Direction: d})
	if err != nil {
		return report, err
	}
	if report.Pulled.Taken != pulled || report.Pushed.Taken != pushed {
		return report, fmt.Errorf("%d records were pulled and %d pushed, not %d and %d: %v, %v", report.Pulled.Taken,
			report.Pushed.Taken, pulled, pushed, report.Pulled.Refused, report.Pushed.Refused)
	}
	return report, nil
}

func connectHosts(ctx context.Context, a, b host.Host) error {
	return a.Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()})
}

// settle waits until the process has no more to do in the background, such as merging tables, but not
// for ever.
func settle(ctx context.Context) error {
	const pause, most = 200 * time.Millisecond, 150
	for range most {
		before := processTime()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		if processTime()-before < pause/20 {
			break
		}
	}
	return nil
}

// spaceOf returns the bytes that the files of a directory take on disk.
func spaceOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += used(info)
		}
		return err
	})
	return size, err
}
