package record

import "time"

// The tests look at the tree of values as it is stored.
var (
	Values          = valueTree
	ValueByReceived = valuesByReceived
)

// WaitForCount returns when the count of an earlier process's records, which runs in the
// background after New, has ended.
func (r *Records) WaitForCount() { r.counting.done.Wait() }

// SyncLimits are those of syncLimits that tests set.
type SyncLimits struct {
	Patience time.Duration
	Bytes    int64
}

// SetSyncLimits changes the limits of syncs before there is one.
func (r *Records) SetSyncLimits(change func(*SyncLimits)) {
	limits := &r.responder.limits
	set := SyncLimits{limits.patience, limits.bytes}
	change(&set)
	limits.patience, limits.bytes = set.Patience, set.Bytes
}
