package dynamic_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// TestTopics puts rows through a compiled tree with a topic and through the tree of its schema, and compares
// all that the engines hold. A schema does not say which rows belong to a part of a tree.
func TestTopics(t *testing.T) {
	type post struct {
		ID   uint64
		Text string
	}
	declare := func(parts bool) (*models.Tree[post, uint64], *models.Definition) {
		posts := models.NewTree("post", models.Uint64, func(p *post) uint64 { return p.ID },
			models.KeyFields[post]("ID"), models.WithPolicy[post](models.Open))
		models.NewTopic(posts, "all", nil, models.IndexVersion[post](3))
		if parts {
			models.NewTopic(posts, "long", func(p *post) bool { return len(p.Text) > 9 })
		}
		return posts, models.NewDefinition("blog", posts)
	}
	parts, _ := declare(true)
	if got := parts.Schema().Topics; !slices.Equal(got, []shape.Topic{{Name: "all", Version: 3}}) {
		t.Errorf("the schema has the topics %+v", got)
	}

	ctx := t.Context()
	posts, compiled := declare(false)
	dynamic, tree := dynamicEvents(t, posts)
	compiledEngine, dynamicEngine := memory.Engine(), memory.Engine()
	ours, closeOurs := open(t, compiledEngine, compiled)
	theirs, closeTheirs := open(t, dynamicEngine, dynamic.Definition)
	for i := range uint64(40) {
		p := post{ID: i % 30, Text: fmt.Sprint("text ", i)}
		row := parse(t, tree, string(asJSON(t, posts, &p)))
		if err := posts.Put(ctx, ours, &p); err != nil {
			t.Fatal(err)
		}
		if err := tree.Put(ctx, theirs, &row); err != nil {
			t.Fatal(err)
		}
	}
	closeOurs()
	closeTheirs()
	if want, got := contents(t, compiledEngine), contents(t, dynamicEngine); want != got {
		t.Errorf("the compiled tree has\n%s and the other\n%s", want, got)
	}
}
