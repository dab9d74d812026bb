package record_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// TestKeysOfPeersAndHashes checks how people write them.
func TestKeysOfPeersAndHashes(t *testing.T) {
	known, err := peer.Decode("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[peer.ID]string{
		known:                              known.String(),
		"":                                 `""`,
		"\x00\x00a":                        "112g",
		peer.ID(strings.Repeat("x", 65)):   "0x" + strings.Repeat("78", 65),
		peer.ID(strings.Repeat("\x00", 9)): "111111111",
	} {
		text := record.PeerKey.Format(id)
		back, err := record.PeerKey.Parse(text)
		if text != want || err != nil || back != id {
			t.Errorf("%q is written %s and read as %q, error %v", string(id), text, string(back), err)
		}
	}
	for _, text := range []string{"", "0OIl", "a,b", "0xz", strings.Repeat("1", 1000)} {
		if _, err := record.PeerKey.Parse(text); !errors.Is(err, models.ErrInvalid) {
			t.Errorf("%.20q is taken for a peer id, error %v", text, err)
		}
	}
	hash := record.Hash{1, 0xFF}
	if back, err := record.HashKey.Parse(strings.ToUpper(record.HashKey.Format(hash))); err != nil || back != hash {
		t.Errorf("%v is read as %v, error %v", hash, back, err)
	}
	if _, err := record.HashKey.Parse("01ff"); !errors.Is(err, models.ErrInvalid) {
		t.Errorf("two bytes are taken for a hash, error %v", err)
	}
}

// TestKeyCodecNamed finds the codecs of package record by their names.
func TestKeyCodecNamed(t *testing.T) {
	id, err := peer.Decode("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
	if err != nil {
		t.Fatal(err)
	}
	hash := record.Hash{1, 2}
	for name, want := range map[string]struct {
		text    string
		encoded []byte
	}{
		"peer":     {id.String(), record.PeerKey.AppendLast(nil, id)},
		"sha2-256": {hash.String(), record.HashKey.AppendLast(nil, hash)},
		"pair(peer,uint64)": {
			id.String() + ",7", models.PairOf(record.PeerKey, models.Uint64).AppendLast(nil, models.MakePair(id, uint64(7))),
		},
	} {
		codec, ok := record.KeyCodecNamed(name)
		if !ok {
			t.Errorf("no codec is named %s", name)
			continue
		}
		key, err := codec.Parse(want.text)
		if err != nil || string(codec.AppendLast(nil, key)) != string(want.encoded) || codec.Format(key) != want.text {
			t.Errorf("%s reads %s as %v, error %v", name, want.text, key, err)
		}
	}
	if _, ok := record.KeyCodecNamed("pair(peer,person)"); ok {
		t.Error("there is a codec person")
	}
}
