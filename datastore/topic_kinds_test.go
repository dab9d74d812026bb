package datastore_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

// The topics of a tree are the same however its rows are stored, and rows that came from peers with another
// model have the ids of their own values.
func TestTopicsOfStoredRows(t *testing.T) {
	const rows = 2500 // enough for a dictionary
	want := map[[32]byte]bool{}
	for name, how := range map[string]struct {
		key      datastore.Key
		compress bool
	}{
		"plain": {}, "compressed": {compress: true}, "encrypted": {key: secretOf(1)},
		"compressed and encrypted": {secretOf(1), true},
	} {
		t.Run(name, func(t *testing.T) {
			options := []models.TreeOption[diaryNote]{models.WithPolicy[diaryNote](models.Open)}
			if how.compress {
				options = append(options, models.WithCompression[diaryNote]())
			}
			notes := models.NewTree("note", models.Uint64, func(n *diaryNote) uint64 { return n.ID }, options...)
			topic := models.NewTopic(notes, "all", nil)
			s := openKeyed(t, memory.Engine(), how.key, models.NewDefinition("diary", notes))
			defer s.Close()
			own := func(yield func(diaryNote, error) bool) {
				for i := uint64(0); i < rows && yield(noteOf("own", i), nil); i++ {
				}
			}
			if _, err := datastore.Import(t.Context(), s, notes, own); err != nil {
				t.Fatal(err)
			}
			clear(want)
			for n := range own {
				key, value, err := notes.Encode(&n)
				if err != nil {
					t.Fatal(err)
				}
				want[models.TopicID(key, value)] = true
			}
			for i := uint64(rows); i < rows+10; i++ {
				n := peerNote{i, "peer", needle("peer", i), "cheerful", []string{"Accra"}}
				value, err := models.DagCBOR[peerNote]().Append(nil, &n)
				if err != nil {
					t.Fatal(err)
				}
				key := notes.EncodeKey(i)
				if err := notes.Raw().Put(t.Context(), s, key, value); err != nil {
					t.Fatal(err)
				}
				want[models.TopicID(key, value)] = true
			}
			found := 0
			for id, err := range topic.Raw().IDs(t.Context(), s, nil, nil) {
				if found++; err != nil || !want[id] {
					t.Fatalf("the topic has %x, %v", id, err)
				}
			}
			count, err := topic.Count(t.Context(), s)
			if found != len(want) || count != len(want) || err != nil {
				t.Errorf("there are %d ids, %d by the sum, %v; want %d", found, count, err, len(want))
			}
			report, err := datastore.Verify(t.Context(), s)
			if err != nil || !report.Clean() {
				t.Errorf("%v, %v", report.Damage, err)
			}
		})
	}
}

// A topic that comes later is built of the rows that there are, again if its function has another version, and
// goes if it is dropped. The store has the feature as long as it has a topic.
func TestTopicAddedAndDropped(t *testing.T) {
	for name, newEngine := range engines {
		t.Run(name, func(t *testing.T) {
			eng := newEngine(t)
			rows := map[uint64]post{}
			open := func(topic func(*models.Tree[post, uint64]), drop ...string) (*datastore.Store, *models.Tree[post, uint64]) {
				t.Helper()
				posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID }, models.WithPolicy[post](models.Open))
				if topic != nil {
					topic(posts)
				}
				s, err := datastore.Open(t.Context(), eng, models.NewDefinition("board", posts), datastore.OpenOptions{DropIndexes: drop})
				if err != nil {
					t.Fatal(err)
				}
				return s, posts
			}
			check := func(s *datastore.Store, posts *models.Tree[post, uint64], belongs func(*post) bool) {
				t.Helper()
				want, err := plainTopicOf(posts, rows, belongs)
				if err != nil {
					t.Fatal(err)
				}
				of, _ := posts.Raw().Topic("some")
				if err := want.compare(t.Context(), s, of, rand.New(rand.NewPCG(1, 1))); err != nil {
					t.Error(err)
				}
				report, err := datastore.Verify(t.Context(), s)
				if err != nil || !report.Clean() {
					t.Errorf("%v, %v", report.Damage, err)
				}
				info, err := s.Inspect().Store(t.Context())
				if err != nil || slices.Contains(info.Features.ReadOnly, "topics") != (belongs != nil) {
					t.Errorf("the features are %v, %v", info.Features, err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			s, posts := open(nil)
			var all []post
			for i := range uint64(4000) {
				p := postOf(i, i)
				all, rows[i] = append(all, p), p
			}
			if err := posts.PutMany(t.Context(), s, all); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, posts = open(func(posts *models.Tree[post, uint64]) { models.NewTopic(posts, "some", isLong) })
			check(s, posts, isLong)
			short := func(p *post) bool { return !isLong(p) }
			s, posts = open(func(posts *models.Tree[post, uint64]) {
				models.NewTopic(posts, "some", short, models.IndexVersion[post](1))
			})
			check(s, posts, short)
			s, _ = open(nil, "board.post/some")
			info, err := s.Inspect().Store(t.Context())
			if err != nil || slices.Contains(info.Features.ReadOnly, "topics") {
				t.Errorf("the features are %v, %v", info.Features, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A topic of a tree that stays where it is, and one with options of indexes, are refused.
func TestFaultyTopics(t *testing.T) {
	for name, declare := range map[string]func() *models.Tree[post, uint64]{
		"local": func() *models.Tree[post, uint64] {
			posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID })
			models.NewTopic(posts, "all", nil)
			return posts
		},
		"where": func() *models.Tree[post, uint64] {
			posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID }, models.WithPolicy[post](models.Open))
			models.NewTopic(posts, "all", nil, models.Where(isLong))
			return posts
		},
		"twice": func() *models.Tree[post, uint64] {
			posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID }, models.WithPolicy[post](models.Open))
			models.NewTopic(posts, "all", nil)
			models.NewTopic(posts, "all", isLong)
			return posts
		},
	} {
		if _, err := datastore.Open(t.Context(), memory.Engine(), models.NewDefinition("board", declare())); !errors.Is(err, models.ErrDefinition) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
