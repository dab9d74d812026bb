package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

// load loads the settings of a directory with the lines of a file and the arguments of a command.
func load(t *testing.T, dir, file string, args ...string) (*Config, error) {
	t.Helper()
	if file != "" {
		if err := os.WriteFile(File(dir), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	s := Flags(flags, &dir)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return s.Load()
}

func settingOf(t *testing.T, c *Config, name string) api.Setting {
	t.Helper()
	i := slices.IndexFunc(c.Settings, func(s api.Setting) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no setting %s", name)
	}
	return c.Settings[i]
}

func TestTheOrderOfSettings(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("P2PNODE_MAX_RECORDS", "20")
	t.Setenv("P2PNODE_MAX_PROVIDERS", "20")
	t.Setenv("P2PNODE_ANNOUNCE", "/ip4/1.2.3.4/tcp/1,/ip4/1.2.3.4/tcp/2")
	c, err := load(t, dir, `
# a comment
max-records 30
max-providers 30
max-keys-per-peer   30
mdns
listen /ip4/127.0.0.1/tcp/1
listen /ip4/127.0.0.1/tcp/2
`, "-max-records", "10")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []api.Setting{
		{Name: "max-records", Value: "10", From: "flag"},
		{Name: "max-providers", Value: "20", From: "environment"},
		{Name: "max-keys-per-peer", Value: "30", From: "file"},
		{Name: "mdns", Value: "true", From: "file"},
		{Name: "listen", Value: "/ip4/127.0.0.1/tcp/1,/ip4/127.0.0.1/tcp/2", From: "file"},
		{Name: "announce", Value: "/ip4/1.2.3.4/tcp/1,/ip4/1.2.3.4/tcp/2", From: "environment"},
		{Name: "engine", Value: "badger", From: "default"},
	} {
		if got := settingOf(t, c, want.Name); got != want {
			t.Errorf("it is %+v, want %+v", got, want)
		}
	}
	b := c.Records.Bounds
	if b.Records != 10 || b.Providers != 20 || b.KeysPerPeer != 30 || !c.MDNS || len(c.Listen) != 2 ||
		len(c.Announce) != 2 {
		t.Errorf("the settings are %+v", c)
	}
}

func TestDefaultsAreThoseOfRecords(t *testing.T) {
	c, err := load(t, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := record.Options{
		MaxValueBytes: record.DefaultMaxValueBytes, MaxRecordAge: 48 * time.Hour, ProviderValidity: 48 * time.Hour,
		RepublishInterval: 22 * time.Hour, SyncInterval: record.DefaultSyncInterval, CacheBytes: record.DefaultCacheBytes,
		Bounds: record.Bounds{
			Records: record.DefaultMaxRecords, Providers: record.DefaultMaxProviders,
			ProvidersPerKey: record.DefaultMaxProvidersPerKey, KeysPerPeer: record.DefaultMaxKeysPerPeer,
			Bytes: record.DefaultMaxBytes,
		},
	}
	if got := c.Records; got.Bounds != want.Bounds || got.MaxValueBytes != want.MaxValueBytes ||
		got.MaxRecordAge != want.MaxRecordAge || got.ProviderValidity != want.ProviderValidity ||
		got.RepublishInterval != want.RepublishInterval || got.SyncInterval != want.SyncInterval ||
		got.CacheBytes != want.CacheBytes {
		t.Errorf("the defaults are\n%+v\nwant\n%+v", got, want)
	}
}

// The file that init writes has every setting with its default, and means nothing else with all of them
// switched on.
func TestTheExample(t *testing.T) {
	dir := t.TempDir()
	text := Example()
	c, err := load(t, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	switchedOn := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(text, "$1")
	var lines []string
	for _, line := range strings.Split(switchedOn, "\n") {
		name, value, _ := strings.Cut(line, " ")
		if name != "" && name[0] != '#' && value == "" { // an empty one cannot be written
			continue
		}
		lines = append(lines, line)
	}
	on, err := load(t, dir, strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(on.Settings) != len(c.Settings) {
		t.Fatalf("there are %d settings and %d", len(on.Settings), len(c.Settings))
	}
	for i, s := range c.Settings {
		if !strings.Contains(text, "\n#"+s.Name) {
			t.Errorf("the file has no %s", s.Name)
		}
		if s.From != "default" || on.Settings[i].Value != s.Value || s.Value != "" && on.Settings[i].From != "file" {
			t.Errorf("%+v is %+v if it is switched on", s, on.Settings[i])
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 120 {
			t.Errorf("the line %q is long", line)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	dir := t.TempDir()
	at := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	psk := at("psk", "/key/swarm/psk/1.0.0/\n/base16/\n"+strings.Repeat("ab", 32)+"\n")
	bad := at("bad.json", `{"netabase": "schema"`)
	const someone = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
	for _, of := range []struct {
		setting, from string
		file          string
		env           [2]string
		args          []string
	}{
		{"no-such", dir + "/config:2", "mdns\nno-such 1\n", [2]string{}, nil},
		{"MAX-RECORDS", dir + "/config:1", "MAX-RECORDS 1\n", [2]string{}, nil},
		{"P2PNODE_MDNS", dir + "/config:1", "P2PNODE_MDNS 1\n", [2]string{}, nil},
		{"dir", dir + "/config:1", "dir /tmp\n", [2]string{}, nil},
		{"max-records", dir + "/config:1", "max-records many\n", [2]string{}, nil},
		{"max-records", dir + "/config:1", "max-records\n", [2]string{}, nil},
		{"max-records", dir + "/config:1", "max-records 0\n", [2]string{}, nil},
		{"max-records", dir + "/config:1", "max-records -2\n", [2]string{}, nil},
		{"max-records", dir + "/config:3", "max-records 1\n\nmax-records 2\n", [2]string{}, nil},
		{"max-records", dir + "/config:1", "max-records x\n", [2]string{}, []string{"-max-records", "1"}},
		{"listen", dir + "/config:1", "listen 127.0.0.1:4001\n", [2]string{}, nil},
		{"listen", "flag -listen", "", [2]string{}, []string{"-listen", "/ip4/127.0.0.1/udp/1"}},
		{"listen", "flag -listen", "", [2]string{}, []string{"-listen", "/dns/example/tcp/1"}},
		{"listen", "flag -listen", "", [2]string{}, []string{"-psk-file", psk, "-listen", "/ip4/127.0.0.1/udp/1/quic-v1"}},
		{"bootstrap", "environment P2PNODE_BOOTSTRAP", "", [2]string{"P2PNODE_BOOTSTRAP", "/ip4/127.0.0.1/tcp/1"}, nil},
		{"relay", dir + "/config:1", "relay\n", [2]string{}, nil},
		{"relay-service", dir + "/config:1", "relay-service on\n", [2]string{}, nil},
		{
			"relay-service", "flag -relay-service", "relay\nbootstrap " + someone + "\n",
			[2]string{},
			[]string{"-relay-service", "full"},
		},
		{"browsers", "flag -browsers", "", [2]string{}, []string{"-psk-file", psk, "-browsers"}},
		{"mdns", "environment P2PNODE_MDNS", "", [2]string{"P2PNODE_MDNS", "perhaps"}, nil},
		{"max-bytes", "environment P2PNODE_MAX_BYTES", "", [2]string{"P2PNODE_MAX_BYTES", "100"}, nil},
		{"psk-file", "flag -psk-file", "", [2]string{}, []string{"-psk-file", bad}},
		{"psk-file", "flag -psk-file", "", [2]string{}, []string{"-psk-file", dir + "/missing"}},
		{"models", "flag -models", "", [2]string{}, []string{"-models", bad}},
		{"models", "flag -models", "", [2]string{}, []string{"-models", dir + "/missing"}},
		{"without-index", "flag -without-index", "", [2]string{}, []string{"-without-index", "blog.user/email"}},
		{"republish-interval", "flag -republish-interval", "", [2]string{}, []string{"-republish-interval", "48h"}},
		{"sync-interval", dir + "/config:1", "sync-interval 0s\n", [2]string{}, nil},
		{"http", dir + "/config:1", "http 0.0.0.0:80\n", [2]string{}, nil},
		{"http", dir + "/config:1", "http :80\n", [2]string{}, nil},
		{"http", dir + "/config:1", "http example.com:80\n", [2]string{}, nil},
		{"http", dir + "/config:1", "http 127.0.0.1:99999\n", [2]string{}, nil},
		{"protocol", dir + "/config:1", "protocol netabase\n", [2]string{}, nil},
		{"mode", dir + "/config:1", "mode leech\n", [2]string{}, nil},
		{"engine", dir + "/config:1", "engine paper\n", [2]string{}, nil},
		{"log-level", dir + "/config:1", "log-level loud\n", [2]string{}, nil},
		{"passphrase", "flag -passphrase", "key-file k\n", [2]string{}, []string{"-passphrase"}},
		{"max-value-bytes", dir + "/config:1", "max-value-bytes 5000000\n", [2]string{}, nil},
	} {
		t.Run(of.setting+" "+of.file+strings.Join(of.args, " "), func(t *testing.T) {
			if of.env[0] != "" {
				t.Setenv(of.env[0], of.env[1])
			}
			file := of.file
			if file == "" {
				file = "\n"
			}
			_, err := load(t, dir, file, of.args...)
			var fault *Error
			if !errors.As(err, &fault) {
				if err != nil && strings.Contains(err.Error(), "-"+of.setting) && len(of.args) > 0 {
					return // said when the flag was parsed
				}
				t.Fatalf("the error is %v", err)
			}
			if fault.Setting != of.setting || fault.From != of.from {
				t.Errorf("it is about %s from %s: %v", fault.Setting, fault.From, err)
			}
		})
	}
}

// A shorter age of records moves the interval at which they are published again, unless that is set.
func TestAnAgeMovesTheInterval(t *testing.T) {
	c, err := load(t, t.TempDir(), "max-record-age 10h\n")
	if err != nil || c.Records.RepublishInterval != 5*time.Hour {
		t.Errorf("the interval is %v, %v", c.Records.RepublishInterval, err)
	}
}

// Browsers adds addresses on loopback, unless there are some of the kind.
func TestAddressesForBrowsers(t *testing.T) {
	c, err := load(t, t.TempDir(), "browsers\nlisten /ip4/10.0.0.1/tcp/1,/ip4/10.0.0.1/tcp/2/ws\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "[/ip4/10.0.0.1/tcp/1 /ip4/10.0.0.1/tcp/2/ws /ip4/127.0.0.1/udp/0/quic-v1/webtransport]"
	if got := fmt.Sprint(c.Listen); got != want {
		t.Errorf("it listens on %s, want %s", got, want)
	}
}

// docs/p2pnode.md has a row for each setting, with its default.
func TestTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/p2pnode.md")
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Settings {
		value := "  |"
		if s.Value != "" {
			value = " `" + strings.ReplaceAll(s.Value, ",", "`, `") + "` |"
		}
		if row := "\n| `" + s.Name + "` |" + value; !strings.Contains(string(text), row) {
			t.Errorf("there is no row that begins with %q", row)
		}
	}
}

// A definition with local trees and others is refused with the names of both: package record takes none.
func TestADefinitionOfBothKinds(t *testing.T) {
	type note struct{ ID uint64 }
	key := func(n *note) uint64 { return n.ID }
	stays := models.NewTree("stays", models.Uint64, key, models.KeyFields[note]("ID"))
	goes := models.NewTree("goes", models.Uint64, key, models.KeyFields[note]("ID"), models.WithPolicy[note](models.Open))
	models.NewDefinition("both", stays, goes)
	var args []string
	for _, tree := range []models.AnyTree{stays, goes} {
		name := filepath.Join(t.TempDir(), "schema.json")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tree.Schema().Write(file), file.Close()); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-models", name)
	}
	_, err := load(t, t.TempDir(), "", args...)
	var fault *Error
	if !errors.As(err, &fault) || fault.Setting != "models" || !strings.Contains(err.Error(), "both.stays") ||
		!strings.Contains(err.Error(), "both.goes") {
		t.Errorf("the error is %v", err)
	}
	for i := range 2 {
		if c, err := load(
			t,
			t.TempDir(),
			"",
			args[2*i:2*i+2]...); err != nil || len(c.Models) != 1 ||
			len(c.Travelling) != i {
			t.Errorf("alone: %+v, %v", c, err)
		}
	}
}

func TestASettingThatIsMeant(t *testing.T) {
	for line, meant := range map[string]string{"engin bolt": "did you mean engine?", "max-record 1": "did you mean max-records?"} {
		if _, err := load(t, t.TempDir(), line+"\n"); err == nil || !strings.Contains(err.Error(), meant) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// The topics to keep in sync are those of the schema files, each once.
func TestTheTopicsToSync(t *testing.T) {
	type note struct{ ID uint64 }
	key := func(n *note) uint64 { return n.ID }
	tree := models.NewTree("note", models.Uint64, key, models.KeyFields[note]("ID"), models.WithPolicy[note](models.Open))
	models.NewTopic(tree, "all", nil)
	models.NewTopic(tree, "more", nil)
	models.NewDefinition("synced", tree)
	name := filepath.Join(t.TempDir(), "schema.json")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tree.Schema().Write(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	for lines, want := range map[string]string{
		"":                      "",
		"sync all\n":            "synced.note/all synced.note/more",
		"sync synced.note/more": "synced.note/more",
		"sync synced.note/more\nsync synced.note/all,synced.note/more": "synced.note/more synced.note/all",
	} {
		if c, err := load(t, t.TempDir(), lines, "-models", name); err != nil || strings.Join(c.Sync, " ") != want {
			t.Errorf("%q: %+v, %v", lines, c, err)
		}
	}
	for line, says := range map[string]string{
		"sync synced.note/moer": "did you mean synced.note/more?",
		"sync more":             "is no full name of a topic",
		"sync all,a.b/c":        "by the word all",
	} {
		var fault *Error
		if _, err := load(t, t.TempDir(), line, "-models", name); !errors.As(err, &fault) || fault.Setting != "sync" ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", line, err)
		}
	}
}
