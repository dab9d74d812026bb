package main

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestQuarantine repairs a damaged store, and looks after what that has set aside.
func TestQuarantine(t *testing.T) {
	path := damaged(t, "text c", "text b")
	if out, errOut, status := run(t, "quarantine", "list", path); status != 0 || out != "" || errOut != "" {
		t.Errorf("before repair: %q, %q, status %d", out, errOut, status)
	}
	run(t, "verify", path, "-repair")
	out, _, status := run(t, "quarantine", "list", path)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || len(lines) == 0 {
		t.Fatalf("%q, status %d", out, status)
	}
	at := 0
	for at < len(lines) && !strings.Contains(lines[at], "diary.note 2, ") {
		at++
	}
	if at == len(lines) || !strings.Contains(lines[at], "corrupt") {
		t.Fatalf("row 2 is not in %q", lines)
	}
	key, _, _ := strings.Cut(lines[at], " ")

	out, _, status = run(t, "quarantine", "export", path)
	found := events(t, out)[at]
	stored, _ := found["stored"].(string)
	bytes, err := base64.StdEncoding.DecodeString(stored)
	if status != 0 || err != nil || !strings.Contains(string(bytes), "text b") || found["key"] != key || found["tree"] != "diary.note" || found["text"] != "2" || found["error"] == nil {
		t.Errorf("%v, %v, status %d", found, err, status)
	}

	for _, args := range [][]string{{"restore", path, key}, {"restore", path, "-all"}, {"restore", path, "00"}, {"drop", path, "00"}} {
		if out, errOut, status := run(t, append([]string{"quarantine"}, args...)...); status != 1 || out != "" || errOut == "" {
			t.Errorf("%v: %q, %q, status %d", args, out, errOut, status)
		}
	}
	if out, errOut, status := run(t, "quarantine", "drop", path, key); status != 0 || out != key+"  dropped\n" || errOut != "" {
		t.Errorf("%q, %q, status %d", out, errOut, status)
	}
	out, _, _ = run(t, "quarantine", "list", path)
	if strings.Contains(out, key) {
		t.Errorf("it is still there: %q", out)
	}
	if _, errOut, status := run(t, "quarantine", "drop", "-all", path); status != 0 || errOut != "" {
		t.Errorf("%q, status %d", errOut, status)
	}
	if out, _, _ := run(t, "quarantine", "list", path); out != "" {
		t.Errorf("there is still %q", out)
	}

	for _, args := range [][]string{
		{},
		{"list"},
		{"list", path, key},
		{"list", "-all", path},
		{"eat", path},
		{"drop", path},
		{"drop", "-all", path, key},
		{"restore", path, "xyz"},
		{"list", t.TempDir()},
	} {
		if out, errOut, status := run(t, append([]string{"quarantine"}, args...)...); status != 2 || out != "" || errOut == "" {
			t.Errorf("%v: %q, %q, status %d", args, out, errOut, status)
		}
	}
}
