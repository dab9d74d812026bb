package control

import "time"

// These bound what a client may cost.
const (
	// maxHeader and maxBody bound a request. The body of an import is read as it comes, and each
	// of its lines is bounded by maxBody.
	maxHeader = 16 << 10
	maxBody   = 1 << 20
	// headerTime is how long a client may take for the header of a request, and bodyTime for its
	// body. idleTime is how long a connection is kept for the next request.
	headerTime = 5 * time.Second
	bodyTime   = 10 * time.Second
	idleTime   = 60 * time.Second
	// writeTime is how long a client may take to read what is written to it at once.
	writeTime = 15 * time.Second
	// maxConnections are open at once. Others wait in the queue of the system.
	maxConnections = 256
	// maxRequests are answered at once, and maxStreams besides.
	maxRequests = 64
	maxStreams  = 32
	// maxOrderedLists are made at once, as each may take maxOrderedBytes. Others wait.
	maxOrderedLists = 4
	// maxPage is how many rows a page may have, defaultPage how many it has otherwise, and
	// maxPageBytes after how many bytes it ends.
	maxPage      = 1000
	defaultPage  = 100
	maxPageBytes = 4 << 20
)

// Limits bound how many requests are answered at the same time.
type Limits struct{ requests, streams, ordered chan struct{} }

// NewLimits returns the limits of a server.
func NewLimits() *Limits {
	return &Limits{
		requests: make(chan struct{}, maxRequests), streams: make(chan struct{}, maxStreams),
		ordered: make(chan struct{}, maxOrderedLists),
	}
}

// enter takes one of the places, or reports that all are taken.
func enter(places chan struct{}) (leave func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return nil, false
	}
}
