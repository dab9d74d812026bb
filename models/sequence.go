package models

import (
	"context"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/internal/session"
)

// sequence is how a tree numbers its rows.
type sequence[M, K any] struct {
	// assign gives m a number as its key, or returns false if K cannot hold it.
	assign func(m *M, n uint64) bool
	isZero func(K) bool
	// number is a key as a number, and 0 for those below 1.
	number func(K) uint64
}

// WithSequence makes [Tree.Insert] number the models whose primary key is zero:
// Insert calls set to put the next number into the model, and stores it.
//
//	models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID },
//		models.WithSequence(func(u *User, id uint64) { u.ID = id }))
//
// Numbers begin with 1, or behind the last row there is. A number that a committed
// row has had is not given again, even after the row is deleted or the store is
// opened anew. There are gaps. Transactions that run at the same time may commit
// in another order than that of their numbers. Rows with keys of their own may be
// put beside them; the sequence passes over their numbers. Insert returns
// ErrInvalid where the type of the key has no more numbers.
func WithSequence[M any, K ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](
	set func(*M, K),
) TreeOption[M] {
	return func(o *treeOptions[M]) {
		o.sequence = &sequence[M, K]{
			assign: func(m *M, n uint64) bool {
				key := K(n)
				if key < 1 || uint64(key) != n {
					return false
				}
				set(m, key)
				return true
			},
			isZero: func(key K) bool { return key == 0 },
			number: func(key K) uint64 {
				if key < 1 {
					return 0
				}
				return uint64(key)
			},
		}
	}
}

// insertNext stores m under the next number. Unless it returns nil, m has its zero
// key again.
func (t *Tree[M, K]) insertNext(ctx context.Context, w Writer, m *M) error {
	zero := *m
	err := w.RunWrite(ctx, func(s *session.Session) error {
		place, err := t.writePlace(s)
		if err != nil {
			return err
		}
		least := uint64(1)
		for {
			n, err := s.Next(place, least)
			if err != nil {
				return err
			}
			if n == 0 || !t.sequence.assign(m, n) {
				return fmt.Errorf("%w: the tree's sequence has no more numbers", ErrInvalid)
			}
			err = t.store(s, m, writing{how: insert})
			if !errors.Is(err, ErrExists) {
				return err
			}
			// Rows that the sequence has not numbered are in the way.
			if least, err = t.afterLast(ctx, s); err != nil {
				return err
			}
		}
	})
	if err != nil {
		err = t.failModel(insert.String(), m, err)
		*m = zero
	}
	return err
}

// afterLast returns the number behind that of the last row.
func (t *Tree[M, K]) afterLast(ctx context.Context, s *session.Session) (uint64, error) {
	for key, err := range t.Keys(ctx, lent{s}, Range[K]{}.Reverse().Limit(1)) {
		return t.sequence.number(key) + 1, err
	}
	return 1, nil
}
