//go:build !js

package webtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Where says in which part of a browser tests run.
type Where string

const (
	// Page is the page itself.
	Page Where = "page"
	// Worker is a dedicated worker of a page.
	Worker Where = "worker"
)

// browsers are the names of Chromium in different systems.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// errMissing is a machine without a browser.
var errMissing = fmt.Errorf("a browser is needed: none of %s is in the PATH", strings.Join(browsers, ", "))

// browser returns the path of Chromium, or errMissing.
func browser() (string, error) {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errMissing
}

// Needs skips a test where there is no browser.
func Needs(t *testing.T) {
	if _, err := browser(); err != nil {
		t.Skip(err)
	}
}

// Main is TestMain of a package whose tests run in a browser, in each place of where: see the package
// comment. It does not return.
func Main(m *testing.M, where ...Where) {
	flag.Parse()
	if _, err := browser(); err != nil {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := inBrowser(ctx, ".", where, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// inBrowser builds the tests of the package in dir, and runs them in each place. It returns the first exit
// status that is not 0.
func inBrowser(ctx context.Context, dir string, where []Where, out io.Writer) (code int, err error) {
	temp, err := os.MkdirTemp("", "webtest")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	binary := filepath.Join(temp, "test.wasm")
	if err := build(ctx, dir, binary); err != nil {
		return 0, err
	}
	for _, w := range where {
		if testing.Verbose() {
			fmt.Fprintf(out, "=== in a %s\n", w)
		}
		status, err := run(ctx, program{Binary: binary, Args: testFlags(), Env: environment(), Where: w}, out)
		if err != nil {
			return 0, fmt.Errorf("in a %s: %w", w, err)
		}
		if code == 0 {
			code = status
		}
	}
	return code, nil
}

// build builds the tests of the package in dir.
func build(ctx context.Context, dir, binary string) error {
	args := []string{"test", "-c", "-o", binary}
	if testing.CoverMode() != "" {
		return errors.New("tests in a browser tell no coverage: leave out -cover")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for the browser: %w\n%s", err, out)
	}
	return nil
}

// ownFlags are those of go test that are about this process, or about files.
var ownFlags = map[string]bool{
	"test.paniconexit0": true, "test.testlogfile": true, "test.gocoverdir": true, "test.outputdir": true,
}

// testFlags returns the flags of go test for the program in the browser.
func testFlags() (args []string) {
	args = []string{"-test.parallel=8"} // the last counts
	flag.Visit(func(f *flag.Flag) {
		if strings.HasPrefix(f.Name, "test.") && !ownFlags[f.Name] {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// environment returns the variables of this process whose names begin with NETABASE_.
func environment() map[string]string {
	env := map[string]string{}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "NETABASE_") {
			env[name] = value
		}
	}
	return env
}

// timeout is how long tests may take, by -timeout. The tests in the browser stop themselves, and this
// process a little later.
func timeout() time.Duration {
	f := flag.Lookup("test.timeout")
	if f == nil {
		return 0
	}
	d, err := time.ParseDuration(f.Value.String())
	if err != nil || d == 0 {
		return 0
	}
	return d + 10*time.Second
}
