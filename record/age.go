package record

import "time"

// ages is how old records and provider records get; a negative age is for ever.
type ages struct{ record, provider time.Duration }

// end returns when a record expires that came at some time, or the zero time if it never
// expires. A TTL can only make that earlier; without one it is 0.
func (r *Records) end(received time.Time, ttl time.Duration) time.Time {
	age := r.ages.record
	if ttl > 0 && (age < 0 || ttl < age) {
		age = ttl
	}
	if age < 0 || received.Before(firstTime) {
		return time.Time{}
	}
	if now := time.Now(); received.After(now) {
		received = now
	}
	return received.Add(age)
}

// isSpent reports whether the TTL of a record has passed. kad-dht itself checks the age of
// a record that it reads, but not the TTL.
func isSpent(received time.Time, ttl time.Duration) bool {
	return ttl > 0 && received.Add(ttl).Before(time.Now())
}

// outlives reports whether a stored record expires later than the same record that has
// come again. Any peer can send a record with a short TTL, which must not remove it.
func (r *Records) outlives(stored time.Time, storedTTL time.Duration, received time.Time, ttl time.Duration) bool {
	if ttl == 0 || isAhead(stored) {
		return false
	}
	end, again := r.end(stored, storedTTL), r.end(received, ttl)
	return end.IsZero() || end.After(again)
}
