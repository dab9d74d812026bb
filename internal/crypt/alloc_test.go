//go:build !race

package crypt

import (
	"bytes"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/format"
)

// Decrypting allocates the value and nothing else, and encrypting into memory with room nothing.
func TestAllocations(t *testing.T) {
	keys := newKeys(t, false, 1)
	at, value, h := []byte("stored key"), bytes.Repeat([]byte("value"), 50), format.Header{Schema: 1}
	row := parse(t, at, keys.Current().AppendRow(nil, at, h, value))
	if n := testing.AllocsPerRun(100, func() { _, _ = keys.Decrypt(row) }); n != 1 {
		t.Errorf("decrypting makes %v allocations", n)
	}
	room := make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(100, func() { room = keys.Current().AppendRow(room[:0], at, h, value) }); n != 0 {
		t.Errorf("encrypting makes %v allocations", n)
	}
}
