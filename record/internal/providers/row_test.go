package providers

import (
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/models"
)

// Bytes that are not a row are refused.
func TestDamagedRowsAreRefused(t *testing.T) {
	key := make([]byte, 9)
	if s, err := rows.Decode(key, []byte{1, 1, 'k', 0, 2, 1, 0, 1, 3, 0x80}); err != nil || len(s.Providers) != 2 {
		t.Errorf("a good row: %+v, %v", s, err)
	}
	for name, value := range map[string][]byte{
		"empty":        {},
		"no count":     {1, 'k'},
		"cut short":    {1, 'k', 0, 2, 1},
		"no value":     {1, 'k', 0, 2, 1, 5, 'v'},
		"out of order": {1, 'k', 0, 2, 1, 4, 0, 4},
		"too long":     {1, 'k', 0, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"no number":    {1, 'k', 0, 2, 0xff, 0xff, 0xff, 0xff, 0x7f, 4},
	} {
		if s, err := rows.Decode(key, append([]byte{1}, value...)); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
