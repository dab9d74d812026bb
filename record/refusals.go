package record

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// refusalsAtOnce is how many refusals are logged together, and refusalPause how long it takes
// until one more may be. A peer can send refused records as fast as it likes.
const (
	refusalsAtOnce = 20
	refusalPause   = time.Second
)

// refusalLog tells Options.Log of refused records.
type refusalLog struct {
	handler slog.Handler
	mu      sync.Mutex
	// room is how many may be logged now, as of the time since. Dropped is how many were left
	// out after the last one that was logged.
	room    int
	since   time.Time
	dropped int
}

// newRefusalLog returns a log that writes nothing if handler is nil.
func newRefusalLog(handler slog.Handler) *refusalLog {
	return &refusalLog{handler: handler, room: refusalsAtOnce, since: time.Now()}
}

// refused logs a refusal, unless there were too many. Its err names the record.
func (l *refusalLog) refused(ctx context.Context, reason string, err error) {
	if l.handler == nil || !l.handler.Enabled(ctx, slog.LevelDebug) {
		return
	}
	now := time.Now()
	dropped, ok := l.take(now)
	if !ok {
		return
	}
	entry := slog.NewRecord(now, slog.LevelDebug, "record refused", 0)
	entry.AddAttrs(slog.String("reason", reason), slog.String("error", err.Error()))
	if dropped > 0 {
		entry.AddAttrs(slog.Int("dropped", dropped))
	}
	_ = l.handler.Handle(ctx, entry) // there is nobody else to tell
}

// take reports whether a refusal may be logged now, and how many were left out before it.
func (l *refusalLog) take(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if more := int(min(now.Sub(l.since)/refusalPause, refusalsAtOnce)); more > 0 {
		l.room, l.since = min(l.room+more, refusalsAtOnce), now
	}
	if l.room == 0 {
		l.dropped++
		return 0, false
	}
	l.room--
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
