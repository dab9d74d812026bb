//go:build !js

package opfs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

func TestMain(m *testing.M) {
	if err := example(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	webtest.Main(m, webtest.Page, webtest.Worker)
}

// example tells the tests in the browser, which have no files, what docs/format.md shows.
func example() error {
	doc, err := os.ReadFile("../../../docs/format.md")
	if err != nil {
		return err
	}
	_, section, _ := strings.Cut(string(doc), "\nThe files of the same database")
	_, section, _ = strings.Cut(section, "```\n")
	text, _, _ := strings.Cut(section, "```\n")
	return os.Setenv("NETABASE_OPFS_EXAMPLE", text)
}

// TestBrowser says why the other tests, which run in a browser, do not run.
func TestBrowser(t *testing.T) { webtest.Needs(t) }
