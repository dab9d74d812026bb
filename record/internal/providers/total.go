package providers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/versioned"
)

// total is the usage after the last transaction, so that a process begins without counting.
type total struct {
	// Of is ofProviders.
	Of uint8
	Usage
}

// ofProviders is the key of the one total.
const ofProviders = 1

// totals holds the total.
var totals = models.NewTree("provided", models.UintOf[uint8](), func(t *total) uint8 { return t.Of },
	models.WithCodec(versioned.Of[total](totalCodec{})),
	models.WithKey(func(t *total, of uint8) { t.Of = of }))

// totalCodec writes rows and bytes as zigzag varints.
type totalCodec struct{}

func (totalCodec) Name() string { return "libp2p-total" }

func (totalCodec) Fields() []models.Field { return nil }

func (totalCodec) Append(dst []byte, t *total) ([]byte, error) {
	return binary.AppendVarint(binary.AppendVarint(dst, t.Rows), t.Bytes), nil
}

func (totalCodec) Decode(src []byte, t *total) error {
	*t = total{}
	records, ok := cutNumber(&src)
	size, ok2 := cutNumber(&src)
	if !ok || !ok2 || len(src) > 0 {
		return fmt.Errorf("%w: total is damaged", models.ErrInvalid)
	}
	t.Rows, t.Bytes = zigzag(records), zigzag(size)
	return nil
}

// loadTotal reads the total. If it is damaged, Repair counts anew.
func (s *Store) loadTotal(ctx context.Context) error {
	t, err := totals.Get(ctx, s.store, ofProviders)
	if errors.Is(err, models.ErrNotFound) || versioned.Damaged(err) {
		err = nil
	}
	s.cache.usage = t.Usage
	return err
}
