package record_test

import (
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record"
)

// The status of a row of a signed tree says what its owner has signed, and that of another tree nothing.
func TestStatusHasTheSignature(t *testing.T) {
	r, _ := openRecords(t, memory.Engine(), market())
	ada := newTrader(t)
	if err := take(t, r, ada.recordKey(1), offer(t, ada, 1, 10, "hammer")); err != nil {
		t.Fatal(err)
	}
	check := func(sequence uint64, state record.State) {
		t.Helper()
		status, err := record.StatusOf(t.Context(), r, Offers, models.MakePair(ada.id, uint64(1)))
		if err != nil {
			t.Fatal(err)
		}
		s := status.Signature
		if status.State != state || s == nil || s.Owner != ada.id || s.Sequence != sequence ||
			time.Until(s.Expires) > 24*time.Hour || time.Until(s.Expires) < 23*time.Hour {
			t.Errorf("the status is %+v, the signature %+v", status, s)
		}
	}
	check(10, record.Received)
	if err := take(t, r, ada.recordKey(1), tombstone(t, ada, 1, 11)); err != nil {
		t.Fatal(err)
	}
	check(11, record.Retracted)

	photo := Photo{Title: "sea"}
	if err := record.Identify(Photos, &photo); err != nil {
		t.Fatal(err)
	}
	if err := take(t, r, record.Key(Photos, photo.ID), value(t, Photos, photo)); err != nil {
		t.Fatal(err)
	}
	if status, err := record.StatusOf(t.Context(), r, Photos, photo.ID); err != nil || status.Signature != nil {
		t.Errorf("the status is %+v, %v", status, err)
	}
}
