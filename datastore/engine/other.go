package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
)

// OtherEngineError is returned for opening a directory in which another engine has
// its database: the engine would otherwise create a second, empty database beside
// it. It matches ErrOtherEngine.
type OtherEngineError struct {
	// Dir is the directory. Found names the engines that have a database there, and
	// is never empty.
	Dir   string
	Found []string
}

func (e *OtherEngineError) Error() string {
	if len(e.Found) > 1 {
		return fmt.Sprintf("%s holds databases of the engines %s: open the one that is meant, by its engine",
			e.Dir, strings.Join(e.Found, " and "))
	}
	return fmt.Sprintf("%s holds a database of the engine %s: open it with that engine, or use another directory",
		e.Dir, e.Found[0])
}

// Is reports whether target is ErrOtherEngine.
func (e *OtherEngineError) Is(target error) bool { return target == ErrOtherEngine }

// filesOf has, by the names of the engines that come with the module, names of files
// that every database of theirs has. One of them may be lost.
var filesOf = []struct {
	engine string
	files  []string
}{
	{"badger", []string{"MANIFEST", "KEYREGISTRY"}},
	{"bolt", []string{"netabase.bolt"}},
}

// ClaimFile is the name of the file that [Claim] writes. An engine that empties the
// directory leaves it there.
const ClaimFile = "netabase.engine"

// maxName is the most bytes that the name of an engine has which Claim takes.
const maxName = 100

// FoundIn returns the names of the engines that have a database in the directory
// dir. There are none if the directory does not exist. It knows the engines of this
// module by their files, and others by what [Claim] has written.
func FoundIn(dir string) ([]string, error) {
	var found []string
	for _, known := range filesOf {
		for _, name := range known.files {
			_, err := os.Stat(filepath.Join(dir, name))
			if err == nil {
				found = append(found, known.engine)
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	claimed, err := claimedBy(dir)
	if err != nil {
		return nil, err
	}
	if claimed != "" && !slices.Contains(found, claimed) {
		found = append(found, claimed)
	}
	return found, nil
}

// claimedBy returns the name that Claim has written, or "".
func claimedBy(dir string) (string, error) {
	path := filepath.Join(dir, ClaimFile)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxName+2))
	if err != nil {
		return "", err
	}
	name, whole := strings.CutSuffix(string(content), "\n")
	if !whole || !isName(name) {
		return "", fmt.Errorf("%w: %s does not name an engine", ErrCorrupt, path)
	}
	return name, nil
}

func isName(name string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, odd)
}

// NoOther returns an OtherEngineError if an engine other than the one named has a
// database in the directory dir. Engines that keep files call it before they create a
// database there, and before they return ErrMissing.
func NoOther(dir, name string) error {
	found, err := FoundIn(dir)
	if err != nil {
		return err
	}
	if others := slices.DeleteFunc(found, func(f string) bool { return f == name }); len(others) > 0 {
		return &OtherEngineError{Dir: dir, Found: others}
	}
	return nil
}

// Claim writes a small file to the directory dir, which it creates if need be. From
// then on [FoundIn] knows by this file that the named engine has a database there.
// An engine from outside this module calls Claim before it creates a database. It
// returns an OtherEngineError where NoOther does, and ErrConfig for a name that is
// not 1 to 100 printable ASCII characters without spaces. If durable is set the file
// survives a loss of power.
func Claim(dir, name string, durable bool) error {
	if !isName(name) {
		return fmt.Errorf("%w: %q is no name of an engine", ErrConfig, name)
	}
	if err := NoOther(dir, name); err != nil {
		return err
	}
	if claimed, err := claimedBy(dir); err != nil || claimed == name {
		return err
	}
	if err := disk.MakeDir(dir, durable); err != nil {
		return err
	}
	path := filepath.Join(dir, ClaimFile)
	return disk.Replace(path+".new", path, []byte(name+"\n"), durable)
}
