// Package negentropy compares the sets of ids that two peers hold, with traffic that grows with
// how much they differ. It speaks Negentropy, protocol version 1: range-based set reconciliation.
//
// One peer is the initiator, which learns what each of the two lacks. The other is the responder,
// and keeps nothing between messages:
//
//	a := negentropy.NewInitiator(ours, limits)
//	message, err := a.Start(ctx)
//	for message != nil {
//		answer, err := negentropy.Respond(ctx, theirs, limits, message) // at the other peer
//		result, err := a.Next(ctx, answer)
//		message = result.Message
//	}
//
// An item is an id of 32 bytes. The protocol sorts items by a timestamp first; that of all items
// of this package is 0. Messages may have bounds with any timestamp, and no item with another.
//
// A message from another peer cannot make a call allocate more than some multiple of
// Limits.Message, or go on for ever. It is checked as a whole before the set is read. A message
// that is wrong gives an error that matches [ErrMessage], [ErrVersion] or [ErrEndless].
package negentropy
