package record

import (
	"encoding/base32"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// kad-dht uses two kinds of datastore key. Only these exact spellings count as such:
//
//	/<namespace>/<BASE32(record key)>            where the record key is /<namespace>/…
//	/providers/<BASE32(key)>/<BASE32(peer id)>
//
// A record key in the namespace "providers" itself has BASE32("providers") in
// its place, which keeps the two apart.

const providerSpace = "providers"

// keyText is the base 32 of datastore keys: RFC 4648, upper case, unpadded.
var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// escapedProviderSpace stands for the record namespace "providers".
var escapedProviderSpace = keyText.EncodeToString([]byte(providerSpace))

// letterBits has the five bits that each byte stands for, and noLetter for bytes that
// stand for none.
var letterBits = func() (bits [256]byte) {
	for i := range bits {
		bits[i] = noLetter
	}
	for i, letter := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") {
		bits[letter] = byte(i)
	}
	return bits
}()

const noLetter = 0xFF

// parseKeyText decodes base 32 that is spelled just as keyText spells it, into room
// if that is large enough. Every provider record that comes has two such names, and
// package base32, which takes other spellings as well, takes four times as long.
func parseKeyText(room []byte, text string) ([]byte, bool) {
	decoded := room[:0]
	for ; len(text) >= 8; text = text[8:] {
		var bits uint64
		wrong := byte(0)
		for i := range 8 {
			b := letterBits[text[i]]
			wrong |= b
			bits = bits<<5 | uint64(b&31)
		}
		if wrong == noLetter {
			return nil, false
		}
		decoded = append(decoded, byte(bits>>32), byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
	}
	bits, n := uint64(0), 5*len(text)
	for i := range len(text) {
		b := letterBits[text[i]]
		if b == noLetter {
			return nil, false
		}
		bits = bits<<5 | uint64(b)
	}
	for ; n >= 8; n -= 8 {
		decoded = append(decoded, byte(bits>>(n-8)))
	}
	// The bits that are left are fewer than a letter has, and zero.
	return decoded, len(decoded) > 0 && n < 5 && bits&(1<<n-1) == 0
}

// splitRecordKey splits "/<namespace>/<name>".
func splitRecordKey(key string) (namespace, name string, ok bool) {
	if !strings.HasPrefix(key, "/") {
		return "", "", false
	}
	namespace, name, ok = strings.Cut(key[1:], "/")
	return namespace, name, ok && namespace != ""
}

// parseValueKey returns the record key that a datastore key stands for.
func parseValueKey(path string) (recordKey string, ok bool) {
	space, text, ok := splitRecordKey(path)
	if !ok {
		return "", false
	}
	var room [128]byte
	decoded, ok := parseKeyText(room[:], text)
	if !ok {
		return "", false
	}
	recordKey = string(decoded)
	namespace, _, ok := splitRecordKey(recordKey)
	if !ok || valueSpace(namespace) != space {
		return "", false
	}
	return recordKey, true
}

// valueKey returns the datastore key of a record key in a namespace.
func valueKey(namespace string, recordKey []byte) string {
	return "/" + valueSpace(namespace) + "/" + keyText.EncodeToString(recordKey)
}

// valueSpace returns the text that datastore keys have in place of a record's namespace.
func valueSpace(namespace string) string {
	if namespace == providerSpace {
		return escapedProviderSpace
	}
	return namespace
}

// parseProviderKey returns the key and the peer id that a datastore key stands
// for.
func parseProviderKey(path string) (key string, p peer.ID, ok bool) {
	rest, ok := strings.CutPrefix(path, "/"+providerSpace+"/")
	if !ok {
		return "", "", false
	}
	keyPart, peerPart, _ := strings.Cut(rest, "/")
	var room [128]byte
	decoded, ok := parseKeyText(room[:], keyPart)
	if !ok {
		return "", "", false
	}
	key = string(decoded)
	decoded, ok = parseKeyText(room[:], peerPart)
	return key, peer.ID(decoded), ok
}

// providerKey returns the datastore key of a provider record.
func providerKey(key, id []byte) string {
	buf := make([]byte, 0, len(providerSpace)+3+keyText.EncodedLen(len(key))+keyText.EncodedLen(len(id)))
	buf = append(append(append(buf, '/'), providerSpace...), '/')
	buf = append(keyText.AppendEncode(buf, key), '/')
	return string(keyText.AppendEncode(buf, id))
}
