package record

// The tests look at the tree of values as it is stored.
var (
	Values          = valueTree
	ValueByReceived = valuesByReceived
)

// WaitForCount returns when the count of an earlier process's records, which runs in the
// background after New, has ended.
func (r *Records) WaitForCount() { r.counting.done.Wait() }
