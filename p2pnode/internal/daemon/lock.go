package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
)

// ErrInUse says that another process has the directory.
var ErrInUse = errors.New("the directory is in use")

// InUseError says which process has the directory. It matches ErrInUse.
type InUseError struct {
	Dir string
	// PID and Since are those of the process, zero if they cannot be read.
	PID   int
	Since time.Time
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s: %v by another process", e.Dir, ErrInUse)
	}
	return fmt.Sprintf("%s: %v by process %d, since %s", e.Dir, ErrInUse, e.PID, e.Since.Local().Format(time.DateTime))
}

// Is reports whether target is ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// holder is what a lock file says.
type holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// lockDir locks a directory for this process. The system gives the lock back when the process ends,
// however it does; what the file says then is of no account.
func lockDir(dir string) (unlock func() error, err error) {
	name := config.Lock(dir)
	lock := flock.New(name, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if !ok {
		return nil, inUse(dir)
	}
	text, err := json.Marshal(holder{os.Getpid(), time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), lock.Unlock())
	}
	return lock.Unlock, nil
}

// inUse says who has a directory that is locked.
func inUse(dir string) error {
	e := &InUseError{Dir: dir}
	file, err := os.Open(config.Lock(dir))
	if err != nil {
		return e
	}
	defer file.Close()
	var h holder
	if json.NewDecoder(io.LimitReader(file, 4096)).Decode(&h) == nil {
		e.PID, e.Since = h.PID, h.Since
	}
	return e
}
