package crypt

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/argon2"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1.
func TestXChaCha20Poly1305(t *testing.T) {
	plain := "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen " +
		"would be it."
	key := unhex(t, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f")
	nonce := unhex(t, "404142434445464748494a4b4c4d4e4f5051525354555657")
	associated := unhex(t, "50515253c0c1c2c3c4c5c6c7")
	want := unhex(t, "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708"+
		"c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c"+
		"68b13b52ec0875924c1c7987947deafd8780acf49")
	aead, err := newAEAD(key)
	if err != nil {
		t.Fatal(err)
	}
	if got := aead.Seal(nil, nonce, []byte(plain), associated); !bytes.Equal(got, want) {
		t.Errorf("encrypted as %x", got)
	}
	got, err := Open(key, append(nonce, want...), associated)
	if err != nil || string(got) != plain {
		t.Errorf("decrypted as %q, %v", got, err)
	}
}

// Vectors of the reference implementation of argon2id, version 0x13: test.c of phc-winner-argon2. The one of RFC
// 9106 needs a secret and associated data, which passphrases do not have.
func TestArgon2id(t *testing.T) {
	for _, v := range []struct {
		passes, memory uint32
		threads        uint8
		want           string
	}{
		{2, 1 << 16, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{2, 1 << 8, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{2, 1 << 8, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
	} {
		got := argon2.IDKey([]byte("password"), []byte("somesalt"), v.passes, v.memory, v.threads, KeySize)
		if !bytes.Equal(got, unhex(t, v.want)) {
			t.Errorf("%+v: %x", v, got)
		}
	}
}

// Test cases 1, 2 and 6 of RFC 4231, for the hashes of blind indexes.
func TestHMAC(t *testing.T) {
	for _, v := range []struct{ key, message, want string }{
		{
			"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", hex.EncodeToString([]byte("Hi There")),
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		},
		{
			hex.EncodeToString([]byte("Jefe")), hex.EncodeToString([]byte("what do ya want for nothing?")),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		},
		{
			hex.EncodeToString(bytes.Repeat([]byte{0xAA}, 131)),
			hex.EncodeToString([]byte("Test Using Larger Than Block-Size Key - Hash Key First")),
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		},
	} {
		h := hmac.New(sha256.New, unhex(t, v.key))
		h.Write(unhex(t, v.message))
		if got := h.Sum(nil); !bytes.Equal(got, unhex(t, v.want)) {
			t.Errorf("%s: %x", v.message, got)
		}
	}
}
