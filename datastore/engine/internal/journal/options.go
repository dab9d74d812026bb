package journal

import (
	"errors"
	"fmt"

	"github.com/newsnet-africa/netabase-go/datastore/engine"
)

const defaultCheckpointMB = 8

// Normalize fills in the defaults of the options that the engines of browsers have, and returns every fault
// of them in one error.
func Normalize(c engine.Config, checkpointMB int) (_ engine.Config, checkpointBytes int64, err error) {
	var own []error
	if c.CacheMB != 0 {
		own = append(own, fmt.Errorf("CacheMB is %d: it does not apply, since all rows are in memory", c.CacheMB))
	}
	if checkpointMB < 0 {
		own = append(own, fmt.Errorf("CheckpointMB is %d: it must not be negative", checkpointMB))
	}
	if checkpointMB == 0 {
		checkpointMB = defaultCheckpointMB
	}
	c, err = c.Normalize(errors.Join(own...))
	return c, int64(checkpointMB) << 20, err
}
