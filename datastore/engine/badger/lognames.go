package badger

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const logExt = ".mem"

func logNumber(name string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(name, logExt))
	return n
}

func byNumber(a, b string) int { return logNumber(a) - logNumber(b) }

// nextLog returns what the log after another is called.
func nextLog(name string) string { return fmt.Sprintf("%05d", logNumber(name)+1) + logExt }

// logs returns the names of the memtables' logs, in the order of their numbers.
func (d *db) logs() (names []string, err error) {
	err = eachFile(d.options.Path, func(path string, _ fs.FileInfo) error {
		if filepath.Ext(path) == logExt {
			names = append(names, filepath.Base(path))
		}
		return nil
	})
	slices.SortFunc(names, byNumber)
	return names, err
}
