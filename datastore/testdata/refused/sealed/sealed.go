// Package sealed brings readers and writers of its own.
package sealed

import (
	"context"

	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/models"
)

type own struct{}

type session struct{}

func (own) BeginRead(ctx context.Context) (*session, error) { return nil, nil }

func (own) RunWrite(ctx context.Context, fn func(*session) error) error { return nil }

var (
	_ models.Reader = own{} // want `own does not implement models\.Reader \(wrong type for method BeginRead\)`
	_ models.Writer = own{} // want `own does not implement models\.Writer \(wrong type for method BeginRead\)`
	_ models.Reader = 1     // want `int does not implement models\.Reader \(missing method BeginRead\)`
)

type tree struct{}

func (tree) Name() string { return "user" }

func (tree) Raw() *models.Raw { return nil }

func (tree) Core() *session { return nil }

var _ = models.NewDefinition("blog", blog.Users, tree{}) // want `tree does not implement models\.AnyTree \(wrong type for method Core\)`
