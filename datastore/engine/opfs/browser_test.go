//go:build !js

package opfs_test

import (
	"testing"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

func TestMain(m *testing.M) { webtest.Main(m, webtest.Page, webtest.Worker) }

// TestBrowser says why the other tests, which run in a browser, do not run.
func TestBrowser(t *testing.T) { webtest.Needs(t) }
