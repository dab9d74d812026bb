package record

// The tests look at the tree of values as it is stored.
var (
	Values          = valueTree
	ValueByReceived = valuesByReceived
)
