package record

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/newsnet-africa/netabase-go/models"
)

// Bulk holds the options of PublishAll and ResolveAll.
type Bulk struct {
	// Concurrency is how many records are published or resolved at the same time. Each
	// asks some twenty peers, and waits for those that are gone. Defaults to 16.
	Concurrency int
	// Progress, if set, is called after every record. Done counts the records so far,
	// the failed ones included, and failed counts the failed ones. Err says why this
	// record failed and names its key; it is nil if the record did not fail. Two calls
	// never run at the same time.
	Progress func(done, failed int, err error)
}

const defaultConcurrency = 16

// mostFailures is how many failures a BulkError has at most, so that a set of any
// size can fail.
const mostFailures = 1000

// BulkError says which records of a set could not be published. It matches every error
// in Failures.
type BulkError struct {
	// Done is how many records there were, Failed how many of them failed.
	Done, Failed int
	// Failures are the errors of the first 1,000 failed records.
	Failures []error
}

func (e *BulkError) Error() string {
	return fmt.Sprintf("%d of %d records failed, the first: %v", e.Failed, e.Done, e.Failures[0])
}

func (e *BulkError) Unwrap() []error { return e.Failures }

// PublishAll calls Publish for every model that ms yields. It goes on after a record
// that fails, and returns a *BulkError at the end, whose Failures name the keys. When
// ctx ends, PublishAll begins no more records, and the context's error is among the
// Failures. ms runs in the caller's goroutine.
func PublishAll[M, K any](ctx context.Context, n *Node, t *models.Tree[M, K], ms iter.Seq[M], how Bulk) error {
	var failed BulkError
	for _, err := range inParallel(ctx, ms, how, func(m M) (PublishReport, error) {
		return Publish(ctx, n, t, &m)
	}) {
		failed.Done++
		if err == nil {
			continue
		}
		if failed.Failed++; len(failed.Failures) < mostFailures {
			failed.Failures = append(failed.Failures, err)
		}
	}
	if failed.Failed == 0 {
		return nil
	}
	return &failed
}

// ResolveAll calls Resolve for every key that keys yields. It yields the results as they
// come, in any order: the row, or the error of Resolve, which names the key. When ctx
// ends, ResolveAll begins no more keys, and yields the context's error once.
func ResolveAll[M, K any](
	ctx context.Context, n *Node, t *models.Tree[M, K], keys iter.Seq[K], how Bulk,
) iter.Seq2[M, error] {
	return inParallel(ctx, keys, how, func(key K) (M, error) { return Resolve(ctx, n, t, key) })
}

// inParallel calls do for the items and yields the results in the order in which they
// come. If the loop is left, it begins no more items, and waits for those it has begun.
func inParallel[T, R any](ctx context.Context, items iter.Seq[T], how Bulk, do func(T) (R, error)) iter.Seq2[R, error] {
	if how.Concurrency <= 0 {
		how.Concurrency = defaultConcurrency
	}
	type result struct {
		of  R
		err error
	}
	return func(yield func(R, error) bool) {
		results := make(chan result, how.Concurrency)
		var running sync.WaitGroup
		defer running.Wait()
		done, failed, open := 0, 0, 0
		take := func(next result) bool {
			open--
			done++
			if next.err != nil {
				failed++
			}
			if how.Progress != nil {
				how.Progress(done, failed, next.err)
			}
			return yield(next.of, next.err)
		}
		for item := range items {
			if open == how.Concurrency && !take(<-results) {
				return
			}
			if err := ctx.Err(); err != nil {
				open++
				if !take(result{err: err}) {
					return
				}
				break
			}
			open++
			running.Go(func() {
				of, err := do(item)
				results <- result{of, err} // there is room for all that are open
			})
		}
		for open > 0 {
			if !take(<-results) {
				return
			}
		}
	}
}
