package kubo

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
)

// Names in a spec.
const (
	typeName     = "netabase"
	engineBadger = "badger"
	engineBolt   = "bolt"
)

// ErrSpec is returned for a part of Datastore.Spec that cannot be used. The error
// names every option that is at fault.
var ErrSpec = errors.New("netabase: bad Datastore.Spec")

// options are those of a spec; package documentation says what each is.
type options struct {
	path       string
	engine     string
	sync       bool
	compress   bool
	memTableMB int
}

// parse reads the options of a spec.
func parse(spec map[string]any) (o options, err error) {
	o = options{engine: engineBadger}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(spec)) {
		if err := o.set(name, spec[name]); err != nil {
			faults = append(faults, err)
		}
	}
	if _, there := spec["path"]; !there {
		faults = append(faults, errors.New(`"path" is missing: name the directory of the store`))
	}
	if o.engine == engineBolt {
		for _, name := range []string{"compress", "memTableMB"} {
			if _, there := spec[name]; there {
				faults = append(faults, fmt.Errorf("%q is an option of engine %q only", name, engineBadger))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return o, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return o, nil
}

// set sets one option.
func (o *options) set(name string, value any) (err error) {
	switch name {
	case "type", "mountpoint": // Kubo has read them
	case "path":
		if o.path, err = text(name, value); err == nil && o.path == "" {
			err = errors.New(`"path" is empty: name the directory of the store`)
		}
	case "engine":
		if o.engine, err = text(name, value); err == nil && o.engine != engineBadger && o.engine != engineBolt {
			err = fmt.Errorf("\"engine\" is %q: use %q or %q", o.engine, engineBadger, engineBolt)
		}
	case "sync":
		o.sync, err = boolean(name, value)
	case "compress":
		o.compress, err = boolean(name, value)
	case "memTableMB":
		if o.memTableMB, err = whole(name, value); err == nil && (o.memTableMB < 1 || o.memTableMB > 512) {
			err = fmt.Errorf("\"memTableMB\" is %d: it must be 1 to 512", o.memTableMB)
		}
	default:
		err = fmt.Errorf("%q is no option of the datastore", name)
	}
	return err
}

func text(name string, value any) (string, error) {
	if s, ok := value.(string); ok {
		return s, nil
	}
	return "", fmt.Errorf("%q is %v: it must be text", name, value)
}

func boolean(name string, value any) (bool, error) {
	if b, ok := value.(bool); ok {
		return b, nil
	}
	return false, fmt.Errorf("%q is %v: it must be true or false", name, value)
}

// whole reads a number as JSON has it, or as a program that writes a spec does.
func whole(name string, value any) (int, error) {
	switch n := value.(type) {
	case int:
		return n, nil
	case float64:
		if n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32 {
			return int(n), nil
		}
	}
	return 0, fmt.Errorf("%q is %v: it must be a whole number", name, value)
}

// open returns the engine for a repo.
func (o options) open(repo string) engine.Engine {
	path := o.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(repo, path)
	}
	config := engine.Config{Path: path}
	if o.engine == engineBolt {
		return bolt.Options{Config: config}.Engine()
	}
	return badger.Options{Config: config, Compress: o.compress, MemTableMB: o.memTableMB}.Engine()
}
