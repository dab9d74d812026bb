package main

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// secret is a key that is neither text nor hex.
var secret = bytes.Repeat([]byte{0xFE, '\n'}, keySize/2)

func encrypted(key datastore.Key) datastore.OpenOptions { return datastore.OpenOptions{Key: key} }

// TestEncrypted runs every command that opens a store on an encrypted one: with its key, without
// it, and with another one.
func TestEncrypted(t *testing.T) {
	key := file(t, "key", string(secret))
	other := file(t, "other", hex.EncodeToString(bytes.Repeat([]byte{1}, keySize)))
	for name, eng := range map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			closeStore(t, write(t, eng(path), encrypted(datastore.SecretKey(secret))))
			for _, command := range [][]string{
				{"verify"},
				{"verify", "-repair"},
				{"inspect", "", "diary.note"},
				{"migrate"},
				{"quarantine", "list"},
				{"backup", "", filepath.Join(t.TempDir(), "file")},
			} {
				with := func(flags ...string) []string {
					at := 1
					if command[0] == "quarantine" {
						at = 2
					}
					args := append(append([]string{}, command[:at]...), flags...)
					rest := command[at:]
					if len(rest) > 0 && rest[0] == "" {
						return append(append(args, path), rest[1:]...)
					}
					return append(append(args, rest...), path)
				}
				out, errOut, status := run(t, with("-key-file", key)...)
				if status != exitOK {
					t.Errorf("%q: %q, %q, exit status %d", command, out, errOut, status)
				}
				if command[0] == "inspect" && strings.Count(out, `"Text":"text text`) != 10 {
					t.Errorf("%q prints %q", command, out)
				}
				for what, flags := range map[string][]string{
					"no key was given: name its file with -key-file, or have -passphrase ask for it": nil,
					"wrong key": {"-key-file", other},
				} {
					if out, errOut, status := run(t, with(flags...)...); status != exitUsage || out != "" || !strings.Contains(errOut, what) {
						t.Errorf("%q with %q: %q, %q, exit status %d", command, flags, out, errOut, status)
					}
				}
			}
			// The catalog can be read.
			for _, args := range [][]string{{"inspect", path}, {"schema", "export", path, "diary.note"}, {"migrate", "-dry-run", path}} {
				if out, errOut, status := run(t, args...); status != exitOK || out == "" {
					t.Errorf("%q: %q, %q, exit status %d", args, out, errOut, status)
				}
			}
		})
	}
}

// TestKeys gives a store's key in every way there is.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	closeStore(t, write(t, bolt.Engine(at("keyed")), encrypted(datastore.SecretKey(secret))))
	closeStore(t, write(t, bolt.Engine(at("phrased")), encrypted(datastore.Passphrase([]byte("correct horse ")))))
	closeStore(t, write(t, bolt.Engine(at("plain"))))
	raw := file(t, "raw", string(secret))
	for name, c := range map[string]struct {
		input  string
		args   []string
		status int
		says   string
	}{
		"bytes":              {"", []string{"-key-file", raw, at("keyed")}, exitOK, ""},
		"hex":                {"", []string{"-key-file", file(t, "hex", hex.EncodeToString(secret)), at("keyed")}, exitOK, ""},
		"a line of hex":      {"", []string{"-key-file", file(t, "line", strings.ToUpper(hex.EncodeToString(secret))+"\r\n"), at("keyed")}, exitOK, ""},
		"no file":            {"", []string{"-key-file", at("nothing"), at("keyed")}, exitUsage, "no such file"},
		"an empty file":      {"", []string{"-key-file", file(t, "empty", ""), at("keyed")}, exitUsage, "is no key file: it has neither 32 bytes nor 64 hex digits"},
		"a byte less":        {"", []string{"-key-file", file(t, "less", string(secret[1:])), at("keyed")}, exitUsage, "is no key file"},
		"no hex":             {"", []string{"-key-file", file(t, "words", strings.Repeat("key ", 16)), at("keyed")}, exitUsage, "is no key file"},
		"a large file":       {"", []string{"-key-file", file(t, "large", strings.Repeat("0", maxKeyFile+keySize)), at("keyed")}, exitUsage, "is no key file"},
		"a line":             {"correct horse \n", []string{"-passphrase", at("phrased")}, exitOK, ""},
		"a line of Windows":  {"correct horse \r\n", []string{"-passphrase", at("phrased")}, exitOK, ""},
		"no end of line":     {"correct horse ", []string{"-passphrase", at("phrased")}, exitOK, ""},
		"two lines":          {"correct horse \nbattery\n", []string{"-passphrase", at("phrased")}, exitOK, ""},
		"another passphrase": {"correct horse\n", []string{"-passphrase", at("phrased")}, exitUsage, "wrong key"},
		"no passphrase":      {"", []string{"-passphrase", at("phrased")}, exitUsage, "read the passphrase: EOF"},
		"an empty one":       {"\n", []string{"-passphrase", at("phrased")}, exitUsage, "the passphrase is empty"},
		"a long one":         {strings.Repeat("x", maxPassphrase+1), []string{"-passphrase", at("phrased")}, exitUsage, "the line has more than 1024 bytes"},
		"of another kind":    {"correct horse \n", []string{"-passphrase", at("keyed")}, exitUsage, "wrong key"},
		"both":               {"correct horse \n", []string{"-passphrase", "-key-file", raw, at("keyed")}, exitUsage, "a key file or a passphrase, not both"},
		"for a plain store":  {"", []string{"-key-file", raw, at("plain")}, exitUsage, "a key was given, and the store is not encrypted"},
		"to repair it":       {"", []string{"-repair", "-key-file", raw, at("plain")}, exitUsage, "a key was given, and the store is not encrypted"},
	} {
		out, errOut, status := runWith(t, c.input, append([]string{"verify"}, c.args...)...)
		if status != c.status || !strings.Contains(errOut, c.says) || status == exitOK && !strings.Contains(out, "clean") {
			t.Errorf("%s: %q, %q, exit status %d; want %d and %q", name, out, errOut, status, c.status, c.says)
		}
		if strings.Contains(errOut, "correct") || strings.Contains(errOut, "key key") {
			t.Errorf("%s: the error shows the key: %q", name, errOut)
		}
	}
	// The plain store is still one.
	if got, status := summary(t, at("plain")); status != exitOK || got["rows"] != 10. {
		t.Errorf("%v, exit status %d", got, status)
	}
}

// TestEncryptedBackup backs an encrypted store up encrypted, and plain.
func TestEncryptedBackup(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	key := file(t, "key", string(secret))
	closeStore(t, write(t, badger.Engine(at("store")), encrypted(datastore.SecretKey(secret))))
	for _, args := range [][]string{
		{"backup", "-key-file", key, at("store"), at("encrypted.backup")},
		{"backup", "-key-file", key, "-plain", at("store"), at("plain.backup")},
		{"restore", at("encrypted.backup"), at("encrypted")},
		{"restore", "-engine", "bolt", at("plain.backup"), at("plain")},
	} {
		if _, errOut, status := run(t, args...); status != exitOK {
			t.Errorf("%q: %q, exit status %d", args, errOut, status)
		}
	}
	row := append([]byte("dText\x78\x65"), "text text text"...) // as DAG-CBOR has it; the index has the text alone
	for name, holds := range map[string]bool{"encrypted.backup": false, "plain.backup": true} {
		if content, err := os.ReadFile(at(name)); err != nil || bytes.Contains(content, row) != holds {
			t.Errorf("%s: readable text is there: %t, %v", name, !holds, err)
		}
	}
	for _, args := range [][]string{{at("plain")}, {"-key-file", key, at("encrypted")}} {
		if got, status := summary(t, args...); status != exitOK || got["rows"] != 10. {
			t.Errorf("%q: %v, exit status %d", args, got, status)
		}
	}
}

// TestRotate rotates the data key of a store, and gives the store other keys.
func TestRotate(t *testing.T) {
	key, other := file(t, "key", string(secret)), file(t, "other", hex.EncodeToString(secret[1:])+"00")
	for name, eng := range map[string]func(string) engine.Engine{"badger": badger.Engine, "bolt": bolt.Engine} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			closeStore(t, write(t, eng(path), encrypted(datastore.SecretKey(secret))))
			for _, c := range []struct {
				input string
				args  []string
			}{
				{"", []string{"-key-file", key}},
				{"", []string{"-key-file", key, "-new-key-file", other}},
				{"battery staple\n", []string{"-key-file", other, "-new-passphrase"}},
				{"battery staple\ncorrect horse\n", []string{"-passphrase", "-new-passphrase"}},
				{"correct horse\n", []string{"-passphrase", "-json"}},
			} {
				out, errOut, status := runWith(t, c.input, append(append([]string{"rotate"}, c.args...), path)...)
				want := "10 rows rewritten\n"
				if c.args[len(c.args)-1] == "-json" {
					want = `{"event":"summary","rewritten":10}` + "\n"
				}
				if !strings.HasSuffix(out, want) || status != exitOK {
					t.Errorf("%q: %q, %q, exit status %d", c.args, out, errOut, status)
				}
				if changed := strings.Contains(errOut, "the store has the new key"); changed != strings.Contains(strings.Join(c.args, " "), "-new") {
					t.Errorf("%q: says that the key is new: %t", c.args, changed)
				}
			}
			for want, c := range map[string]struct {
				input string
				args  []string
			}{
				"no key was given":                     {"", []string{"rotate", path}},
				"wrong key":                            {"", []string{"rotate", "-key-file", key, path}},
				"wrong key: the store's":               {"", []string{"verify", "-key-file", other, path}},
				"rotate takes one directory, not 2":    {"", []string{"rotate", path, path}},
				"read the passphrase: EOF":             {"correct horse\n", []string{"rotate", "-passphrase", "-new-passphrase", path}},
				"a key file or a passphrase, not both": {"", []string{"rotate", "-key-file", key, "-new-key-file", key, "-new-passphrase", path}},
			} {
				if out, errOut, status := runWith(t, c.input, c.args...); status != exitUsage || out != "" || !strings.Contains(errOut, want) {
					t.Errorf("%q: %q, %q, exit status %d", c.args, out, errOut, status)
				}
			}
			out, errOut, status := runWith(t, "correct horse\n", "verify", "-passphrase", path)
			if status != exitOK || !strings.Contains(out, "clean") {
				t.Errorf("%q, %q, exit status %d", out, errOut, status)
			}
		})
	}
	plain := filepath.Join(t.TempDir(), "store")
	closeStore(t, write(t, bolt.Engine(plain)))
	if out, errOut, status := run(t, "rotate", plain); status != exitUsage || out != "" || !strings.Contains(errOut, "the store is not encrypted") {
		t.Errorf("%q, %q, exit status %d", out, errOut, status)
	}
}
