package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command is a command line, with its input, and what it has to print.
type command struct {
	input string
	line  []string
	// out is the whole output, errs a part of the error output.
	out, errs string
	status    int
}

// recordCommands are done one after the other. They need no other peer.
var recordCommands = []command{
	{"", []string{"ls", "member"}, "", "", exitOK},
	{
		"",
		[]string{"put", "-local", "member", `{"ID":1,"Name":"Ann","Email":"ann@example.com"}`},
		"club.member 1: stored\n", "", exitOK,
	},
	{
		`{"ID":2,"Name":"Bob","Email":"bob@example.com","Updated":"2026-11-28T10:00:00Z"}` + "\n",
		[]string{"put", "club.member", "-", "-local"},
		"club.member 2: stored\n", "", exitOK,
	},
	{
		"",
		[]string{"put", "-local", "-json", "member", `{"ID":18446744073709551615,"Name":"Zoë \u001b[31m","Email":""}`},
		`{"key":"18446744073709551615","published":false,"took":[]}` + "\n", "", exitOK,
	},
	{
		"", []string{"put", "-local", "-insert", "member", `{"ID":1,"Name":"Another"}`}, "", "1", exitRefused,
	},
	{"", []string{"put", "-local", "member", `{"ID":4,"Nmae":"Eve"}`}, "", "Name", exitUsage},
	{"", []string{"put", "-local", "member", `{"ID":"four"}`}, "", "ID", exitUsage},
	{
		"",
		[]string{"put", "-local", "membr", `{"ID":4}`},
		"",
		"Did you mean club.member?\n  There are: club.member\n",
		exitUsage,
	},
	{
		"", []string{"ls", "member"}, "" +
			"                  ID  Name          Email            Updated\n" +
			"                   1  Ann           ann@example.com\n" +
			"                   2  Bob           bob@example.com  2026-11-28T10:00:00Z\n" +
			"18446744073709551615  Zoë \\x1b[31m\n", "", exitOK,
	},
	{
		"",
		[]string{"ls", "member", "-json", "-from", "2", "-to", "3"},
		`{"key":"2","value":{"Email":"bob@example.com","ID":2,"Name":"Bob","Updated":"2026-11-28T10:00:00Z"}}` + "\n", "", exitOK,
	},
	{
		"", []string{"ls", "member", "-reverse", "-limit", "2", "-where", "ID > 0", "-where", "Name != Bob"}, "" +
			"                  ID  Name          Email            Updated\n" +
			"18446744073709551615  Zoë \\x1b[31m\n" +
			"                   1  Ann           ann@example.com\n", "", exitOK,
	},
	{
		"", []string{"ls", "member", "-order", "-Email", "-limit", "1"}, "" +
			"ID  Name  Email            Updated\n 2  Bob   bob@example.com  2026-11-28T10:00:00Z\n", "", exitOK,
	},
	{"", []string{"ls", "member", "-where", "Emial = x"}, "", "Email", exitUsage},
	{
		"", []string{"find", "member", "email", "bob@example.com"}, "" +
			"ID  Name  Email            Updated\n 2  Bob   bob@example.com  2026-11-28T10:00:00Z\n", "", exitOK,
	},
	{
		"",
		[]string{"find", "member", "name", "-prefix", "A", "-json"},
		`{"key":"1","index":"Ann","value":{"Email":"ann@example.com","ID":1,"Name":"Ann","Updated":null}}` + "\n",
		"", exitOK,
	},
	{"", []string{"find", "member", "email", "nobody@example.com"}, "", "", exitOK},
	{"", []string{"find", "member", "emial", "x"}, "", "Did you mean email?\n  There are: email, name\n", exitUsage},
	{"", []string{"get", "member", "x"}, "", "x", exitUsage},
	{"", []string{"get", "member", "3"}, "", "", exitNotFound},
	{"", []string{"get", "memebr", "3"}, "", "Did you mean club.member?", exitUsage},
	{"", []string{"rm", "member", "18446744073709551615"}, "club.member 18446744073709551615: removed\n", "", exitOK},
	{
		"",
		[]string{"rm", "member", "18446744073709551615"},
		"",
		"delete club.member 18446744073709551615: not found",
		exitNotFound,
	},
	{
		"", []string{"export", "member"}, "" +
			`{"Email":"ann@example.com","ID":1,"Name":"Ann","Updated":null}` + "\n" +
			`{"Email":"bob@example.com","ID":2,"Name":"Bob","Updated":"2026-11-28T10:00:00Z"}` + "\n", "", exitOK,
	},
	{
		"ID,Name\n7,Gus\neight,Eve\n9\n10,Jon\n",
		[]string{"import", "member", "-", "-format", "csv"},
		"2 rows stored, 2 refused\n", "line 3: ", exitRefused,
	},
	{
		`{"ID":11,"Name":"Kim"}` + "\n",
		[]string{"import", "-json", "member", "-"},
		`{"stored":1,"published":0,"refused":0}` + "\n", "", exitOK,
	},
	{
		"", []string{"export", "member", "-format", "csv"}, "" +
			"ID,Name,Email,Updated\n1,Ann,ann@example.com,\n2,Bob,bob@example.com,2026-11-28T10:00:00Z\n" +
			"7,Gus,,\n10,Jon,,\n11,Kim,,\n", "", exitOK,
	},
	{"Nmae\nx\n", []string{"import", "member", "-", "-format", "csv"}, "", "did you mean Name?", exitUsage},
	{"", []string{"models", "-names"}, "club.member\n", "", exitOK},
	{
		"", []string{"models"}, "" +
			"TREE         KEY     POLICY  MODEL  INDEXES\nclub.member  uint64  open    yes    email name\n", "", exitOK,
	},
	{"", []string{"stat", "membr"}, "", "Did you mean club.member?", exitUsage},
	{"", []string{"models", "remove", "club.membr"}, "", "Did you mean club.member?", exitUsage},
	{"", []string{"quarantine", "list"}, "", "", exitOK},
}

// do does commands in the node of a directory, one after the other.
func do(t *testing.T, dir string, all []command) {
	t.Helper()
	for _, c := range all {
		out, errOut, status := cli(t, c.input, append([]string{"-dir", dir}, c.line...)...)
		if out != c.out || status != c.status || !strings.Contains(errOut, c.errs) || (errOut == "") != (status == exitOK) {
			t.Errorf(
				"%q: exit status %d, want %d\n%s\nwant\n%s\n%s\nwant\n%s",
				c.line,
				status,
				c.status,
				out,
				c.out,
				errOut,
				c.errs,
			)
		}
	}
}

// TestRecords does the same commands without and with a running node.
func TestRecords(t *testing.T) {
	t.Run("offline", func(t *testing.T) { do(t, newNode(t), recordCommands) })
	t.Run("running", func(t *testing.T) {
		dir := newNode(t)
		startNode(t, dir)
		do(t, dir, recordCommands)
	})
}

// TestStores does the commands on stores without and with a running node.
func TestStores(t *testing.T) {
	for _, running := range []bool{false, true} {
		name := map[bool]string{false: "offline", true: "running"}[running]
		t.Run(name, func(t *testing.T) {
			dir := newNode(t)
			if running {
				startNode(t, dir)
			}
			at := func(args ...string) []string { return append([]string{"-dir", dir}, args...) }
			ok(t, at("put", "-local", "member", `{"ID":1,"Name":"Ann"}`)...)
			if out := ok(t, at("verify")...); !strings.HasSuffix(out, ": clean\n") {
				t.Errorf("%q", out)
			}
			if out := ok(t, "verify", dir, "-json"); !strings.Contains(out, `"event":"summary"`) {
				t.Errorf("%q", out)
			}
			if out := ok(t, at("migrate")...); !strings.HasSuffix(out, "0 rows rewritten\n") {
				t.Errorf("%q", out)
			}
			if out := ok(t, at("inspect", "club.member")...); !strings.HasPrefix(out, `1 {"Email":"",`) {
				t.Errorf("%q", out)
			}
			if out := ok(t, "inspect", dir); !strings.Contains(out, "club.member by uint64, dag-cbor: 1 rows, ") ||
				!strings.Contains(out, "\n  index email by string: 1 entries, ") {
				t.Errorf("%q", out)
			}
			if out := ok(t, "inspect", dir, "-json"); !strings.Contains(out, `"name":"club.member"`) {
				t.Errorf("%q", out)
			}
			schema, err := os.ReadFile(memberSchema)
			if err != nil {
				t.Fatal(err)
			}
			if out := ok(t, at("schema", "export", "club.member")...); out != string(schema) {
				t.Errorf("%q", out)
			}
			if out := ok(t, at("config")...); !strings.Contains(out, "\nengine ") || !strings.Contains(out, "bolt") {
				t.Errorf("%q", out)
			}
			if out := ok(t, at("stat", "member")...); !strings.Contains(out, "\nclub.member/email     1  ") {
				t.Errorf("%q", out)
			}
			for _, args := range [][]string{{"verify", "-repair"}, {"migrate", "-dry-run"}, {"quarantine", "export"}} {
				_, errOut, status := cli(t, "", at(args...)...)
				if running != (status == exitUsage && strings.Contains(errOut, "stop it to ")) || !running && status != exitOK {
					t.Errorf("%q: exit status %d, %q", args, status, errOut)
				}
			}

			file := filepath.Join(t.TempDir(), "backup")
			ok(t, at("backup", file)...)
			other := newNode(t)
			ok(t, "-dir", other, "restore", file, "-engine", "bolt")
			if out := ok(t, "-dir", other, "ls", "member", "-json"); !strings.Contains(out, `"Ann"`) {
				t.Errorf("%q", out)
			}
			if _, errOut, status := cli(t, "", at("restore", file)...); status != exitUsage {
				t.Errorf("exit status %d, %q", status, errOut)
			}
		})
	}
}

// TestEncryptedNode checks that commands on a node take its key from the settings.
func TestEncryptedNode(t *testing.T) {
	key := file(t, "key", strings.Repeat("5ec7e7", 11)[:64])
	dir := newNode(t, "key-file "+key)
	at := func(args ...string) []string { return append([]string{"-dir", dir}, args...) }
	ok(t, at("put", "-local", "member", `{"ID":1,"Name":"Ann"}`)...)
	backup := filepath.Join(t.TempDir(), "backup")
	for _, args := range [][]string{
		at("get", "member", "1"), at("verify"),
		{"verify", dir},
		at("inspect", "club.member"), at("migrate"),
		at("quarantine", "list"), at("backup", backup), at("rotate"),
	} {
		ok(t, args...)
	}
	other := file(t, "other", strings.Repeat("0", 64))
	for _, args := range [][]string{at("get", "member", "1"), at("verify")} {
		_, errOut, status := cli(t, "", append(args, "-key-file", other)...)
		if status != exitUsage || !strings.Contains(errOut, "wrong key") {
			t.Errorf("%q: exit status %d, %q", args, status, errOut)
		}
	}
}

// TestModels adds, replaces and removes schema files.
func TestModels(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	ok(t, "init", "-dir", dir)
	at := func(args ...string) []string { return append([]string{"-dir", dir}, args...) }
	if out, errOut, status := cli(
		t,
		"",
		at("models")...); status != exitOK || out != "" ||
		!strings.Contains(errOut, "models add FILE") {
		t.Errorf("%q, %q, exit status %d", out, errOut, status)
	}
	if _, errOut, status := cli(
		t,
		"",
		at("ls", "member")...); status != exitUsage ||
		!strings.Contains(errOut, "models add FILE") {
		t.Errorf("%q, exit status %d", errOut, status)
	}
	schema, err := os.ReadFile(memberSchema)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is the same
		if out, errOut, status := cli(
			t,
			string(schema),
			at("models", "add", "-")...); status != exitOK ||
			out != "added club.member\n" {
			t.Errorf("%q, %q, exit status %d", out, errOut, status)
		}
	}
	older := strings.Replace(string(schema), `"indexes": [`, `"indexes": [ ], "was": [`, 1)
	if _, errOut, status := cli(t, older, at("models", "add", "-")...); status != exitUsage {
		t.Errorf("%q, exit status %d", errOut, status)
	}
	for _, no := range []string{"", "{}", `{"netabase":"schema"}`} {
		if _, errOut, status := cli(t, no, at("models", "add", "-")...); status != exitUsage || errOut == "" {
			t.Errorf("%q: %q, exit status %d", no, errOut, status)
		}
	}
	ok(t, at("models", "remove", "club.member")...)
	if out := ok(t, at("models", "-names")...); out != "" {
		t.Errorf("%q", out)
	}
}
