package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
)

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	closeStore(t, write(t, badger.Engine(at("first"))))
	expect := func(want int, args ...string) string {
		t.Helper()
		_, errOut, status := run(t, args...)
		if status != want {
			t.Errorf("%q exits with %d, want %d: %s", args, status, want, errOut)
		}
		return errOut
	}
	expect(exitOK, "backup", at("first"), at("file"))
	expect(exitOK, "restore", "-engine", "bolt", at("file"), at("second"))
	expect(exitOK, "backup", at("second"), at("again"))
	expect(exitOK, "restore", at("again"), at("third"))
	for _, name := range []string{"second", "third"} {
		if got, status := summary(t, at(name)); status != exitOK || got["rows"] != float64(10) {
			t.Errorf("%s: %v, exit status %d", name, got, status)
		}
	}
	first, err := os.ReadFile(at("file"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(at("again"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the backups of the same store differ, %v", err)
	}
	out, _, status := run(t, "backup", at("third"), "-")
	if status != exitOK || out != string(first) {
		t.Errorf("to the output go %d bytes, exit status %d", len(out), status)
	}

	// A failed command leaves no files behind and changes nothing.
	first[len(first)/2] ^= 1
	if err := os.WriteFile(at("damaged"), first, 0o644); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	got := expect(exitUsage, "restore", at("damaged"), at("fourth"))
	if !strings.Contains(got, "not an intact backup") {
		t.Errorf("a damaged one: %q", got)
	}
	expect(exitUsage, "restore", at("file"), at("third"))
	expect(exitUsage, "restore", at("nothing"), at("fourth"))
	expect(exitUsage, "restore", "-engine", "paper", at("file"), at("fourth"))
	expect(exitUsage, "restore", at("file"))
	expect(exitUsage, "backup", at("nothing"), at("fourth"))
	expect(exitUsage, "backup", at("first"))
	expect(exitFailed, "backup", at("first"), at("no/such/directory"))
	if after := names(t, dir); strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("there are %q, there were %q", after, before)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
