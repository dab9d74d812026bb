//go:build js

package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/indexeddb"
	"github.com/newsnet-africa/netabase-go/internal/jsvalue"
)

// ErrInUse is returned by Identity while another tab or worker has the identity.
var ErrInUse = errors.New("another tab or worker of this site has the identity")

// handover is how long Identity waits for a page that is about to end, as at a reload.
const handover = time.Second

// Identity returns the Ed25519 key that the page's origin keeps under a name, and makes it the first time.
// The key is in IndexedDB, in a database called name and "-identity", and as durable as the rows there: a
// user who clears the site's data gets another identity.
//
// Two hosts with one peer id take each other's connections and records. So a tab or worker has the identity
// alone until release is called or it ends. Identity returns [ErrInUse] in others, after a second, which
// leaves time for a reload: such a tab can tell its user, take another name, or run with a new key. Call
// release after the host is closed.
func Identity(ctx context.Context, name string) (key crypto.PrivKey, release func(), err error) {
	wait, cancel := context.WithTimeout(ctx, handover)
	defer cancel()
	release, err = jsvalue.Lock(wait, "netabase-identity "+name, jsvalue.LockMode{})
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, nil, fmt.Errorf("identity %q: %w", name, ErrInUse)
	case err != nil:
		return nil, nil, fmt.Errorf("identity %q: %w", name, err)
	}
	if key, err = kept(ctx, name); err != nil {
		release()
		return nil, nil, fmt.Errorf("identity %q: %w", name, err)
	}
	return key, release, nil
}

var keyRow = []byte("key")

// kept reads the key of an identity, or makes it.
func kept(ctx context.Context, name string) (key crypto.PrivKey, err error) {
	db, err := indexeddb.Engine(name + "-identity").Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.Update(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Discard()
	switch b, err := tx.Get(keyRow); {
	case err == nil:
		return crypto.UnmarshalPrivateKey(b)
	case !errors.Is(err, engine.ErrNotFound):
		return nil, err
	}
	key, _, err = crypto.GenerateEd25519Key(nil)
	if err != nil {
		return nil, err
	}
	b, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, errors.Join(tx.Put(keyRow, b), tx.Commit(ctx, engine.Durable))
}
