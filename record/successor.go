package record

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/policy"
)

// Successor is a tree that succeeds an older one, while some peers have only the older. The type
// of a field cannot change under one name, so a model that needs another one gets a tree of
// another name. Until all peers have it, a program publishes every row in both trees, and
// resolves the better of both:
//
//	var Articles = record.Successor[Post, uint64, Article, uint64]{
//		Old: blog.Posts, New: blog.Articles,
//		Key:     func(id uint64) uint64 { return id },
//		Upgrade: func(p *Post) (Article, error) { … }, Downgrade: func(a *Article) (Post, error) { … },
//	}
//	reports, err := Articles.Publish(ctx, node, &article)
//	article, err := Articles.Resolve(ctx, node, 7)
//
// Both trees have the same policy, which is models.Open or models.Signed, and both are in the
// Options.Models of the node's Records. All fields have to be set; otherwise every method returns
// models.ErrDefinition. The functions are called concurrently.
//
// The better of two records is the one that Compare of its own tree's policy would choose by
// number alone: the higher clock if the trees are open, the higher sequence number if they are
// signed. Of equal ones it is that of the new tree. So the clocks of open trees have to count alike.
type Successor[O, OK, N, NK any] struct {
	Old *models.Tree[O, OK]
	New *models.Tree[N, NK]
	// Key returns the key in the old tree of the row with a key in the new one.
	Key func(NK) OK
	// Upgrade makes a row of the new tree from one of the old, and Downgrade the reverse. The keys
	// of both rows have to be those of Key.
	Upgrade   func(*O) (N, error)
	Downgrade func(*N) (O, error)
}

// Publications are the reports of a row that was published, or retracted, in two trees.
type Publications struct{ Old, New PublishReport }

// Publish publishes m in the new tree, and what Downgrade makes of it in the old one, as
// [Publish] does. If one of the two fails, the other is still published.
func (s Successor[O, OK, N, NK]) Publish(ctx context.Context, n *Node, m *N) (p Publications, err error) {
	if err := s.check(); err != nil {
		return p, err
	}
	old, err := s.Downgrade(m)
	if err != nil {
		return p, s.fail("publish", err)
	}
	// The new one is the later of two that are signed.
	p.Old, err = Publish(ctx, n, s.Old, &old)
	var newErr error
	p.New, newErr = Publish(ctx, n, s.New, m)
	return p, errors.Join(err, newErr)
}

// Retract takes back the rows of a key in both trees, as [Retract] does.
func (s Successor[O, OK, N, NK]) Retract(ctx context.Context, n *Node, key NK) (p Publications, err error) {
	if err := s.check(); err != nil {
		return p, err
	}
	p.Old, err = Retract(ctx, n, s.Old, s.Key(key))
	var newErr error
	p.New, newErr = Retract(ctx, n, s.New, key)
	return p, errors.Join(err, newErr)
}

// Resolve gets the row with the primary key from the DHT: that of the new tree, or what Upgrade
// makes of that of the old one. Its errors are those of [Resolve].
func (s Successor[O, OK, N, NK]) Resolve(ctx context.Context, n *Node, key NK) (N, error) {
	if err := s.check(); err != nil {
		return *new(N), err
	}
	oldKey := s.Key(key)
	var older policy.Candidate
	var oldErr error
	var looking sync.WaitGroup
	looking.Go(func() { older, oldErr = find(ctx, n, s.Old, oldKey) })
	newer, err := find(ctx, n, s.New, key)
	looking.Wait()
	if oldErr != nil || err == nil && newer.Sequence >= older.Sequence {
		if err != nil {
			return *new(N), err
		}
		return decodeFound(s.New, key, &newer)
	}
	m, err := decodeFound(s.Old, oldKey, &older)
	if err != nil {
		return *new(N), err
	}
	upgraded, err := s.Upgrade(&m)
	if err != nil {
		return *new(N), s.fail("resolve", err)
	}
	return upgraded, nil
}

// check reports what is wrong with s.
func (s *Successor[O, OK, N, NK]) check() error {
	switch {
	case s.Old == nil || s.New == nil || s.Key == nil || s.Upgrade == nil || s.Downgrade == nil:
		return fmt.Errorf("%w: a Successor needs all of its fields", models.ErrDefinition)
	case s.Old.Policy() != s.New.Policy():
		return s.fail("succeed", fmt.Errorf("%w: it is %v, and %s is %v",
			models.ErrDefinition, s.New.Policy(), s.Old.Name(), s.Old.Policy()))
	case s.New.Policy() == models.Immutable:
		return s.fail("succeed", fmt.Errorf("%w: no function knows the hash of an immutable row in another tree",
			models.ErrDefinition))
	}
	return nil
}

func (s *Successor[O, OK, N, NK]) fail(op string, err error) error {
	return &models.Error{Op: op, Tree: s.New.Name(), Err: err}
}
