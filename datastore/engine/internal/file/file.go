// Package file is what engines share that keep their database in a directory.
package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Engine is an engine.Engine, and an engine.Located one.
type Engine struct {
	// Kind is the name, Path the directory.
	Kind, Path string
	// OpenDB checks the options and opens the database.
	OpenDB func(ctx context.Context) (engine.DB, error)
}

var _ engine.Located = Engine{}

// Name implements engine.Engine.
func (e Engine) Name() string { return e.Kind }

// Dir implements engine.Located.
func (e Engine) Dir() string { return e.Path }

// Open implements engine.Engine. Its errors name the engine and the directory.
func (e Engine) Open(ctx context.Context) (engine.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	db, err := e.OpenDB(ctx)
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, engine.ErrConfig): // of options, which have the path
		return nil, fmt.Errorf("%s: %w", e.Kind, err)
	default:
		return nil, fmt.Errorf("%s: open %s: %w", e.Kind, e.Path, err)
	}
}
