package record

import (
	"encoding/base32"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// kad-dht names what it stores by two kinds of datastore key, of which only
// these very spellings count as such:
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

// parseKeyText decodes base 32 that is spelled just as keyText spells it, into room
// if that is large enough.
func parseKeyText(room []byte, text string) ([]byte, bool) {
	if text == "" || strings.ContainsAny(text, "\r\n") { // which decoding passes over
		return nil, false
	}
	decoded, err := keyText.AppendDecode(room[:0], []byte(text))
	if err != nil || len(decoded) != keyText.DecodedLen(len(text)) { // FF, which no letter is, ends it as padding would
		return nil, false
	}
	// The last letter may have bits of no byte: eight letters are five bytes.
	const letters, bytes = 8, 5
	whole := len(text) / letters
	var again [letters]byte
	end := keyText.AppendEncode(again[:0], decoded[whole*bytes:])
	return decoded, len(decoded) > 0 && string(end) == text[whole*letters:]
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
	decoded, ok := parseKeyText(nil, text)
	if !ok {
		return "", false
	}
	namespace, _, ok := splitRecordKey(string(decoded))
	if !ok || valueSpace(namespace) != space {
		return "", false
	}
	return string(decoded), true
}

// valueKey returns the datastore key of a record key in a namespace.
func valueKey(namespace string, recordKey []byte) string {
	return "/" + valueSpace(namespace) + "/" + keyText.EncodeToString(recordKey)
}

// valueSpace returns what datastore keys have in place of a record's namespace.
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
