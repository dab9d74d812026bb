package bolt

import (
	"fmt"
	"math"
	"runtime"
	"strconv"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

// Options configure a bolt database. Path is required; the zero value of every
// other field is its default.
type Options struct {
	// Config has the settings of all file engines. CacheMB changes nothing
	// here: bolt reads through the page cache of the operating system, which
	// gives and takes memory as it sees fit.
	engine.Config

	// MapMB is the address space, in MiB, that the file is mapped into. It
	// costs no memory and no disk space. A file that grows beyond it is mapped
	// anew: the commit that needs more space waits for every open read
	// transaction to end, and new read transactions wait for the commit.
	// Defaults to 262144, and to four times the file if that is more, or to less where
	// the process cannot have as much; on Windows, where the file is made as large as
	// the map, and on 32 bits to 0: the file as it is.
	MapMB int

	// SkipVerify opens the file without going over its pages, first or behind the open
	// database. Commits then never wait for that, but damage is found late or not at
	// all: bbolt writes over pages that it wrongly takes for free, or ends the process.
	// A file that was not closed is gone over all the same, to find its free pages.
	// A file that is opened to be read only has few of its pages read in any case.
	// Defaults to false.
	SkipVerify bool
}

func (o Options) normalize() (Options, error) {
	var fault, err error
	if limit := math.MaxInt >> 20; o.MapMB < 0 || o.MapMB > limit {
		fault = fmt.Errorf("MapMB is %d: it must be 0 to %d", o.MapMB, limit)
	}
	o.Config, err = o.Config.Normalize(fault)
	return o, err
}

// mapSizes returns how many bytes to map for a file of the given size: each is for where
// the one before is more than the process can have.
func (o Options) mapSizes(file int64) []int {
	switch {
	case o.MapMB > 0:
		return []int{o.MapMB << 20}
	case strconv.IntSize == 64 && runtime.GOOS != "windows":
		return []int{int(max(256<<30, 4*file)), int(max(16<<30, 2*file)), 0}
	default:
		return []int{0}
	}
}
